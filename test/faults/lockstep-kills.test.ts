/** A lockstep run that is killed at twenty moments, drawn from a seed, ends with the bytes of one that is not. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { POOLS } from '../../infra/supervisor/plan.js';
import type { JobInput } from '../../proto/job.js';
import { CounterRandom } from '../../proto/philox.js';
import { decodeRecords, textKey } from '../../workers/annotator/label-record.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { digestsIn, COMPUTED } from '../support/digests.js';
import { DisturbedRun } from './disturbed-run.js';

const SEED = 21;
const BURSTS = 5;
const KILLS_IN_BURST = 4;
const VERSIONS = 36;
/** Kills of one burst fall within this time: some meet a process that is just starting, some a call that is under way. */
const BURST_MS = 2_500;

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

function job(judgeUrl: string): JobInput {
  return {
    name: 'lockstep',
    environment: { kind: 'grid-world', episodeStepsMax: 60 },
    policy: { preset: 'tiny' },
    sources: {
      game: { kind: 'env' },
      helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', prompt: 'grid-v2', judge: { kind: 'openai', baseUrl: judgeUrl, model: 'm', concurrency: 2 } } },
    },
    shape: [{ op: 'episodic-count-decay', on: 'helpful' }],
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2, epochs: 2 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 32 },
    // Short histories, so that the run continues as new under fire too.
    schedule: { mode: 'lockstep', segmentsPerCall: 2, checkpointVersions: 5, historyEventsMax: 200 },
    evaluate: { episodes: 4, environments: 4 },
    stop: { versions: VERSIONS },
    seed: 3,
  };
}

/** Plays the job to its end; gives the digest of everything computed, and the labels in the order of their log. */
async function play(judge: FaultJudge, disturb: (run: DisturbedRun) => Promise<unknown>): Promise<Record<string, string>> {
  judge.journal.length = 0;
  const run = await DisturbedRun.make(judge, job);
  runs.push(run);
  const { ended } = run.startCli();
  await Promise.race([disturb(run), ended]);
  const { code, output } = await ended;
  expect(code, output).toBe(0);
  expect(await run.faults()).toEqual([]);
  const store = new LocalStore(run.project.store);
  const found = await digestsIn(store, '', COMPUTED);
  for (const { key } of await store.list('labels/')) {
    const annotator = key.split('/')[1]!;
    found[key] = decodeRecords((await store.get(key))!, key, annotator).map(({ text, label }) => `${textKey(text)} ${label}`).join('\n');
  }
  await run.remove();
  return found;
}

it.runIf(process.platform === 'linux')(`a lockstep run killed at ${BURSTS * KILLS_IN_BURST} moments (seed ${SEED}) gives the same digests and labels as one left alone`, async () => {
  const judge = new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [5, 40] });
  const quiet = await play(judge, async () => undefined);
  const random = new CounterRandom(SEED, 'test');
  const killed: string[] = [];
  const disturbed = await play(judge, async (run) => {
    for (let burst = 0; burst < BURSTS; burst++) {
      const from = burst * Math.floor(VERSIONS / BURSTS) + 1;
      await run.until(`version ${from}`, () => run.progress.version >= from, 120_000);
      const moments = Array.from({ length: KILLS_IN_BURST }, (_, kill) => ({ atMs: BURST_MS * random.uniform(burst, kill, 0), pool: POOLS[Math.floor(POOLS.length * random.uniform(burst, kill, 1))]! }));
      await Promise.all(
        moments.map(async ({ atMs, pool }) => {
          await wait(atMs);
          // Where it is dead already, the one that is started next.
          await run.until(`a process of pool ${pool}`, () => run.kill(pool).length > 0);
          killed.push(pool);
        }),
      );
    }
  });
  expect(killed).toHaveLength(BURSTS * KILLS_IN_BURST);
  expect(new Set(killed)).toEqual(new Set(POOLS));
  expect(Object.keys(quiet).length).toBeGreaterThan(4 * VERSIONS);
  expect(Object.keys(quiet).some((key) => key.startsWith('labels/'))).toBe(true);
  expect(disturbed).toEqual(quiet);
}, 400_000);
