import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EvaluateInput } from '../../../proto/activities.js';
import { CounterRandom } from '../../../proto/philox.js';
import { Evaluator } from '../../../workers/rollout/evaluation.js';
import type { EvaluationRecord } from '../../../workers/rollout/evaluation-record.js';
import { layout } from '../../../workers/store/layout.js';
import { Bench, ENDPOINT } from './support/scripted-host.js';
import { ScriptedPolicy, ScriptedWorld, VERSION_3, type WorldScript } from './support/scripted-world.js';

const script: WorldScript = {
  ending: (_index, _episode, step, seed) => (step < 2 + (seed.low % 25) ? 'go' : seed.high % 2 ? 'truncate' : 'terminate'),
  text: (_index, step, state) => (step % 4 === 0 ? '' : step % 5 === 0 ? Uint8Array.of(0xe9, state % 3) : `message ${state % 4}`),
};

async function play(environments: number, episodes: number, seed = 9, more: WorldScript = {}) {
  const world = new ScriptedWorld(environments, { ...script, ...more });
  // The world's rows must not matter, so the policy must not see them; the scripted one does not.
  const policy = new ScriptedPolicy(world);
  policy.usePolicy(VERSION_3);
  const evaluator = new Evaluator(world, policy, episodes, seed);
  await evaluator.begin();
  while (!(await evaluator.play(7)));
  return { world, episodes: evaluator.ended };
}

describe('an evaluation', () => {
  it('plays the same episodes whatever the number of environments', async () => {
    const one = await play(1, 12);
    for (const environments of [2, 5, 12]) expect((await play(environments, 12)).episodes).toEqual(one.episodes);
    expect(one.episodes.map((episode) => episode.index)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    expect(new Set(one.episodes.map((episode) => episode.length)).size).toBeGreaterThan(4);
    expect(new Set(one.episodes.map((episode) => episode.ended))).toEqual(new Set(['terminated', 'truncated']));
  });

  it('takes the seed of episode i from the seed of the evaluation and i', async () => {
    const random = new CounterRandom(9, 'evaluation');
    const { world } = await play(1, 5);
    expect(world.seeds[0]).toEqual(
      Array.from({ length: 5 }, (_, index) => {
        const words = random.at(index);
        return { high: words[0], low: words[1] };
      }),
    );
    expect((await play(1, 5, 10)).world.seeds[0]).not.toEqual(world.seeds[0]);
  });

  it('steps only environments whose episode counts', async () => {
    const { world, episodes } = await play(5, 7);
    expect(world.steppedRows).toBe(episodes.reduce((total, episode) => total + episode.length, 0));
  });

  it('counts the distinct messages of each episode', async () => {
    const { episodes } = await play(3, 6);
    for (const { messages, distinctMessages, length } of episodes) {
      expect(new Set(messages.map(([text]) => text)).size).toBe(distinctMessages);
      expect(messages.reduce((total, [, count]) => total + count, 0)).toBe(length - Math.floor(length / 4));
    }
    expect(episodes.some(({ messages }) => messages.some(([text]) => text.charCodeAt(0) === 0xe9))).toBe(true);
  });
});

describe('the record of an evaluation', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await Bench.create();
  });
  afterEach(() => bench.remove());

  const input = (more: Partial<EvaluateInput> = {}): EvaluateInput => ({ run: 'r', policy: bench.policy(1), suite: 'final', episodes: 10, seed: 77, environments: 4, ...more });
  const recordAt = async (suite: string): Promise<EvaluationRecord> => JSON.parse(Buffer.from((await bench.store.get(layout.evaluation('r', 1, suite)))!).toString('utf8')) as EvaluationRecord;

  it('is the same bytes on every worker, and is made once', async () => {
    const ref = await bench.pool(script).rollout.evaluate(input());
    expect(ref).toMatchObject({ key: layout.evaluation('r', 1, 'final'), version: 1, episodes: 10, endpoints: [ENDPOINT] });
    const idle = bench.pool(script);
    expect(await idle.rollout.evaluate(input())).toEqual(ref);
    expect(idle.worlds).toHaveLength(0);
    await bench.store.delete(ref.key);
    const ended: unknown[] = [];
    expect(await bench.pool(script).rollout.evaluate(input(), { onProgress: (note) => ended.push(note) })).toEqual(ref);
    expect(ended.at(-1)).toEqual({ episodes: 10, of: 10 });
  });

  it('holds every episode, the messages, and means with their intervals', async () => {
    const ref = await bench.pool(script).rollout.evaluate(input());
    const record = await recordAt('final');
    expect(record).toMatchObject({ run: 'r', policyVersion: 1, suite: 'final', seed: 77, rewards: ['main', 'side'], episodeStatistics: ['depth', 'luck'], failed: 0 });
    expect(record.episodes).toHaveLength(10);
    const lengths = record.episodes.map((episode) => episode.length);
    expect(ref.means.length!.mean).toBeCloseTo(lengths.reduce((a, b) => a + b, 0) / 10, 9);
    expect(Object.keys(ref.means)).toEqual(['length', 'return.main', 'return.side', 'depth', 'luck', 'distinctMessages']);
    expect(record.messages).toHaveLength(new Set(record.messages).size);
    for (const episode of record.episodes) {
      expect(episode.messageCounts).toHaveLength(episode.distinctMessages);
      for (const [message, count] of episode.messageCounts) {
        expect(record.messages[message]).toBeDefined();
        expect(count).toBeGreaterThan(0);
      }
    }
  });

  it('keeps failed episodes out of the means and says how many there were', async () => {
    const failing: WorldScript = { ...script, ending: (_index, _episode, step, seed) => (step < 5 ? 'go' : seed.low % 2 ? 'fail' : 'terminate') };
    const ref = await bench.pool(failing).rollout.evaluate(input());
    const record = await recordAt('final');
    expect(record.failed).toBe(record.episodes.filter((episode) => episode.ended === 'failed').length);
    expect(record.failed).toBeGreaterThan(0);
    expect(ref.means['return.side']).toEqual({ mean: 1, halfWidth: 0 });
  });

  it('is refused under the name of another one', async () => {
    await bench.pool(script).rollout.evaluate(input());
    await expect(bench.pool(script).rollout.evaluate(input({ seed: 78 }))).rejects.toMatchObject({ code: 'LAUREL_STORE_CONFLICT' });
    await bench.pool(script).rollout.evaluate(input({ seed: 78, suite: 'other' }));
    expect((await recordAt('other')).seed).toBe(78);
  });

  it('is left where it is cancelled, with its environments closed', async () => {
    const cancel = new AbortController();
    const pool = bench.pool({ ...script, slow: true });
    const evaluating = pool.rollout.evaluate(input({ episodes: 1000 }), { signal: cancel.signal, onProgress: () => cancel.abort() });
    await expect(evaluating).rejects.toMatchObject({ name: 'AbortError' });
    expect(pool.worlds[0]!.closed).toBe(true);
    expect(await bench.store.list('runs/r/evaluations/')).toEqual([]);
  });
});
