/** Files of a live run that are torn, altered or removed: the run notices, has them made again, and goes on. */
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import type { UpdateRecord } from '../../workers/learner/update-record.js';
import { readSegmentBody } from '../../workers/rollout/segment-boundary.js';
import { digestOf, readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { DisturbedRun } from './disturbed-run.js';

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

const RUN = 'damaged';
const EVERY = 6;

async function start(): Promise<{ run: DisturbedRun; store: LocalStore }> {
  const judge = new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] });
  const run = await DisturbedRun.make(judge, (url) => ({
    name: RUN,
    environment: { kind: 'grid-world', episodeStepsMax: 60 },
    policy: { preset: 'tiny' },
    sources: {
      game: { kind: 'env' },
      helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', judge: { kind: 'openai', baseUrl: url, model: 'any' } } },
    },
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 16 },
    schedule: { checkpointVersions: EVERY },
    evaluate: { episodes: 0 },
    stop: { runMs: 3_600_000 },
    seed: 4,
  }));
  runs.push(run);
  run.startCli();
  return { run, store: new LocalStore(run.project.store) };
}

const DAMAGES = {
  async flipped(store: LocalStore, key: string) {
    const bytes = Buffer.from((await store.get(key))!);
    bytes[Math.floor(bytes.length * 0.6)]! ^= 0x08;
    await store.replace(key, bytes);
  },
  async torn(store: LocalStore, key: string) {
    const bytes = (await store.get(key))!;
    await store.replace(key, bytes.subarray(0, Math.floor(bytes.length / 2)));
  },
  gone: (store: LocalStore, key: string) => store.delete(key),
} as const;

describe.runIf(process.platform === 'linux')('a live run whose files are damaged', () => {
  it('makes segments, rewards, a policy and the checkpoint again, to the same digests, and goes on', async () => {
    const { run, store } = await start();
    await run.until('some checkpoints', () => run.progress.version >= 3 * EVERY + 2, 120_000);
    await run.project.run(['pause', RUN]);
    await run.until('rest', async () => (await run.status()).underWay.length === 0);
    const { version, checkpoint } = await run.status();
    const newest = async (shard: number): Promise<string> => (await store.list(layout.segments(RUN))).filter(({ key }) => key.startsWith(layout.segment(RUN, shard, 0).replace(/[^/]*$/, ''))).at(-1)!.key;
    // Read when the shard is rebuilt, when the segment that is gone is played again, and when the learner goes from the checkpoint before this one on.
    const played = readSegmentBody((await store.get(await newest(1)))!).policyVersion;
    const replayed = (await readJson<UpdateRecord>(store, layout.update(RUN, checkpoint - 2)))!;
    const damage: [string, keyof typeof DAMAGES][] = [
      [await newest(0), 'flipped'],
      [await newest(1), 'gone'],
      [layout.policy(RUN, played), 'torn'],
      [layout.checkpoint(RUN, checkpoint), 'flipped'],
      [replayed.segments[0]!.key, 'torn'],
      [replayed.rewards[1]!.key, 'gone'],
    ];
    const before = new Map<string, string>();
    for (const [key] of damage) before.set(key, digestOf((await store.get(key))!));
    // Nobody may go on from memory.
    const gone = new Map((['rollout', 'reward', 'learner'] as const).map((kind) => [kind, run.kill(kind)]));
    for (const [key, how] of damage) await DAMAGES[how](store, key);
    for (const [kind, pids] of gone) await run.untilBack(kind, pids);
    await run.project.run(['resume', RUN]);
    await run.until('new versions', () => run.progress.version >= version + 4, 120_000);
    const { attention, restored, ledger } = await run.status();
    expect(attention).toEqual([]);
    // Two calls that meet the same damage may both mend it.
    for (const [kind, least] of Object.entries({ policy: 1, checkpoint: 1, reward: 1, segment: 2 })) expect(restored![kind], kind).toBeGreaterThanOrEqual(least);
    expect(ledger.failed).toEqual({});
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);
    for (const [key, digest] of before) expect([key, digestOf((await store.get(key)) ?? new Uint8Array(0))]).toEqual([key, digest]);
    const verified = await run.project.run(['verify', RUN, '--sample', '4']);
    expect(verified, verified.output).toMatchObject({ code: 0 });
  }, 400_000);
});
