/** Programs, files and version 0 in a run: collector, scorer and updater, on what they store. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Graph } from '../../../workers/learner/graph/graph.js';
import * as op from '../../../workers/learner/graph/ops.js';
import { sharedIsolate } from '../../../workers/reward/programs/isolate-client.js';
import { componentOf, decodeRewards } from '../../../workers/reward/reward-record.js';
import { Scorer, scoringOf } from '../../../workers/reward/scorer.js';
import { constantWeights } from '../../../proto/reward-combine.js';
import { digestOf } from '../../../workers/store/artifacts.js';
import { readerOf, SMALL_JOB, SmallRun, updaterOf } from '../../support/small-run.js';
import { TEXT_JOB } from '../../support/text-run.js';

let small: SmallRun | undefined;
afterEach(async () => {
  await small?.close();
  small = undefined;
});
afterAll(() => sharedIsolate().close());

const javascript = (body: string, rest: object = {}) => ({ kind: 'rule', rule: { kind: 'javascript', program: `function reward(unit) { ${body} }`, operationsMax: 100_000, ...rest } });

async function rewardsOf(run: SmallRun, key: string) {
  return decodeRewards((await run.store.get(key)) as Uint8Array);
}

describe('a run whose programs fail', () => {
  it('goes on: what fails is masked and counted by code, taken out of training, and computed again to the same bytes', async () => {
    const sources = {
      game: { kind: 'env' },
      words: { ...javascript("if (/wall/.test(unit.text)) for (;;) {} if (/door|key/.test(unit.text)) 'x'.repeat(1e9); return unit.text === null ? 0 : 1"), unknown: 'drop' },
    };
    small = await SmallRun.prepare({ ...SMALL_JOB, sources, shape: [], combine: { op: 'linear', weights: { game: 1, words: 0.2 } } });
    const batches = await small.collect(2);
    const updater = updaterOf(small.store);
    const { updates } = await updater.update({ run: small.run, parent: 0, batches, checkpoint: 0, checkpointsAt: [2] });
    expect(updates.map(({ version }) => version)).toEqual([1, 2]);
    await updater.close();
    let masked = 0;
    for (const { rewards, segments } of batches) {
      for (const [index, { key, digest }] of rewards.entries()) {
        const decoded = await rewardsOf(small, key);
        const counted = Object.values(decoded.body.faults?.['words'] ?? {}).reduce((sum, count) => sum + count, 0);
        const words = componentOf(decoded, 'words');
        const total = componentOf(decoded, 'total');
        expect(words.mask.filter((known) => known === 0).length).toBe(counted);
        expect([...total.mask]).toEqual([...words.mask]);
        words.value.forEach((value, unit) => words.mask[unit] === 0 && expect(value).toBe(0));
        masked += counted;
        // Gone, and made again by another scorer.
        await small.store.delete(key);
        const again = await new Scorer({ store: small.store, reader: readerOf(small.store), endpoints: [] }).score({ run: small.run, segments: [segments[index]!], labels: {}, models: {}, weights: constantWeights(small.job.combine) });
        expect(again[0]?.digest).toBe(digest);
      }
    }
    expect(masked).toBeGreaterThan(0);
  });

  it('stops with the code of the fault where the job says so', async () => {
    small = await SmallRun.prepare({ ...SMALL_JOB, sources: { bad: javascript('for (;;) {}', { onError: 'park' }) }, shape: [], combine: { op: 'linear', weights: { bad: 1 } } });
    await expect(small.collect()).rejects.toMatchObject({ code: 'LAUREL_PROGRAM_FUEL', retryable: false });
  });

  it('names a scoring by its programs: another program is other rewards', async () => {
    const job = (body: string) => ({ ...SMALL_JOB, sources: { a: javascript(body) }, shape: [], combine: { op: 'linear', weights: { a: 1 } } });
    small = await SmallRun.prepare(job('return 1'));
    const one = scoringOf(small.job, { labels: {}, models: {}, weights: { a: 1 } });
    await small.close();
    small = await SmallRun.prepare(job('return 2'));
    expect(scoringOf(small.job, { labels: {}, models: {}, weights: { a: 1 } })).not.toBe(one);
  });
});

describe('a run with a model file', () => {
  it('scores with it, and keeps it: the path may be gone afterwards', async () => {
    const g = new Graph('bytes');
    g.output('score', op.reduceSum(g, op.cast(g, g.input('message', [1, 4], 'uint8'), 'float32'), [1]));
    const bytes = g.build({});
    const folder = await mkdtemp(join(tmpdir(), 'laurel-model-'));
    const path = join(folder, 'mine.onnx');
    await writeFile(path, bytes);
    const sources = { mine: { kind: 'onnx', file: { path, digest: digestOf(bytes) }, inputs: { message: 'text' }, output: 'score', providers: 'cpu' } };
    small = await SmallRun.prepare({ ...SMALL_JOB, sources, shape: [], combine: { op: 'linear', weights: { mine: 0.01 } } });
    await small.collect();
    await rm(folder, { recursive: true });
    const [batch] = await small.collect();
    const { value, mask } = componentOf(await rewardsOf(small, batch!.rewards[0]!.key), 'mine');
    expect(mask.every((known) => known === 1)).toBe(true);
    expect(value.some((one) => one > 0)).toBe(true);
  });
});

describe('a run whose policy writes texts', () => {
  it('version 0 is its own reference: the log-ratio is 0 to 1e-5, and the confidence is what was drawn', async () => {
    const sources = { ratio: { kind: 'implicit', form: 'log-ratio' }, sure: { kind: 'implicit', form: 'confidence', over: 'mean' }, right: { kind: 'rule', rule: { kind: 'expression', expression: 'let found = parse(text); asText(found.d) == asText(truth.d) ? 1 : 0' } } };
    small = await SmallRun.prepare({ ...TEXT_JOB, sources, combine: { op: 'linear', weights: { ratio: 1, sure: 0.1, right: 1 } } });
    const [batch] = await small.collect();
    for (const { key } of batch!.rewards) {
      const decoded = await rewardsOf(small, key);
      const ratio = componentOf(decoded, 'ratio');
      expect(ratio.mask.every((known) => known === 1)).toBe(true);
      for (const value of ratio.value) expect(Math.abs(value)).toBeLessThan(1e-4);
      for (const value of componentOf(decoded, 'sure').value) expect(value).toBeLessThan(0);
      // A text that is no JSON has no dish to be right or wrong about: unknown, and no 0.
      const right = componentOf(decoded, 'right');
      const failed = decoded.body.faults?.['right']?.['LAUREL_PROGRAM_FAILED'] ?? 0;
      expect(right.mask.filter((known) => known === 0).length).toBe(failed);
    }
  }, 60_000);
});
