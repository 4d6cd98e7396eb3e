/** Texts through collector, scorer and updater. */
import { afterEach, describe, expect, it } from 'vitest';
import { decodePolicy } from '../../../workers/learner/policy-artifact.js';
import { assembleTextBatch } from '../../../workers/learner/text/text-batch.js';
import { textTransformer } from '../../../workers/learner/text/text-network.js';
import { TextStepper } from '../../../workers/learner/text/text-stepper.js';
import { resolveJob } from '../../../proto/resolve.js';
import { transformerPolicyOf } from '../../../proto/learning.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import { decodeCompletions } from '../../../workers/text/completions.js';
import { isHeldOut } from '../../../workers/text/prompts.js';
import { END_TOKEN, TokenCoder, type TokenTable } from '../../../workers/text/tokens.js';
import { RunVerifier } from '../../../workers/verify/run-verifier.js';
import { createShardHost } from '../../../workers/rollout/create-shard-host.js';
import { readerOf, SmallRun, updaterOf } from '../../support/small-run.js';
import { TEXT_JOB } from '../../support/text-run.js';
import { distance } from '../learner/transformer-support.js';

const runs: SmallRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.close();
});

async function prepared(job: unknown = TEXT_JOB): Promise<SmallRun> {
  const run = await SmallRun.prepare(job);
  runs.push(run);
  return run;
}

const parametersOf = (policy: Uint8Array): unknown => decodePolicy(policy).map(({ name, data }) => [name, Buffer.from(data.buffer).toString('hex')]);

describe('completions', () => {
  it.each([
    ['character tokens', { kind: 'character' }, 1],
    ['byte pairs, at a temperature', { kind: 'byte-pair', merges: 20 }, 0.7],
  ])('have the log-probabilities that training gives to their tokens (%s): generation with a cache equals generation without', async (_name, tokens, temperature) => {
    const run = await prepared({ ...TEXT_JOB, policy: { ...TEXT_JOB.policy, tokens, temperature } });
    const [batch] = await run.collect();
    const bytes = async (key: string): Promise<Uint8Array> => (await run.store.get(key))!;
    const parts = await Promise.all(batch!.segments.map(async (segment, index) => ({ segment: await bytes(segment.key), reward: await bytes(batch!.rewards[index]!.key) })));
    const rows = assembleTextBatch(parts, 16);
    const table = (await readJson<TokenTable>(run.store, layout.tokens(run.run)))!;
    const policy = transformerPolicyOf(run.job.policy);
    const stepper = new TextStepper(textTransformer(run.job.environment as never, policy, table), policy.temperature, run.job.learn, () => expect.unreachable());
    const parameters = Object.fromEntries(decodePolicy(await bytes(layout.policy(run.run, 0))).map(({ name, data }) => [name, data]));
    const whole = (await stepper.logProbs(parameters, rows)).map((value, at) => (rows.mask[at] === 1 ? value : 0));
    await stepper.release();
    expect(rows.behaviourLogProb.filter((value) => value < 0).length).toBeGreaterThan(200);
    expect(distance(whole, rows.behaviourLogProb)).toBeLessThan(1e-5);
  });

  it('are stored with their tokens, texts and truth; prompts that are held out are not among them', async () => {
    const run = await prepared();
    const { segments } = (await run.collect())[0]!;
    const coder = new TokenCoder((await readJson<TokenTable>(run.store, layout.tokens(run.run)))!);
    const stored = decodeCompletions((await run.store.get(segments[0]!.key))!);
    expect(stored.rows).toBe(16);
    expect(new Set(stored.prompts).size).toBe(4);
    expect(stored.prompts.some(isHeldOut)).toBe(false);
    for (let row = 0; row < stored.rows; row++) {
      expect(coder.decode(stored.promptTokens.at(row))).toBe(stored.prompts[row]);
      expect(coder.decode(stored.tokens.at(row))).toBe(stored.texts[row]);
      expect([...stored.tokens.at(row)].indexOf(END_TOKEN)).toBe(stored.terminated[row] === 1 ? stored.tokens.at(row).length - 1 : -1);
      const { d, m, t } = JSON.parse(stored.truths[row]!) as { d: string; m: string; t: number };
      expect(stored.prompts[row]).toBe(`${d} ${m} ${t}>`);
    }
  });
});

describe('a run of texts', () => {
  it('begins where an undisturbed one does, though its updater imitated for other runs before and trained them', async () => {
    const alone = { [TEXT_JOB.seed]: await prepared(), 6: await prepared({ ...TEXT_JOB, seed: 6 }) };
    const run = alone[TEXT_JOB.seed]!;
    const updater = updaterOf(run.store);
    await updater.update({ run: run.run, parent: 0, batches: await run.collect(1), checkpoint: 0, checkpointsAt: [] });
    for (const [seed, { store, run: name }] of Object.entries(alone)) {
      const other = { ...TEXT_JOB, name: `other-${seed}`, seed: Number(seed), combine: { op: 'linear', weights: { valid: 1, correct: 0 } } };
      const { policy } = await updater.prepareRun({ run: other.name, job: resolveJob(other) });
      const [theirs, expected] = await Promise.all([run.store.get(policy.artifact.key), store.get(layout.policy(name, 0))]);
      expect(parametersOf(theirs!), seed).toEqual(parametersOf(expected!));
    }
    await updater.close();
  });

  it('learns, and every part of it can be made again to the same bytes', async () => {
    const run = await prepared();
    const updater = updaterOf(run.store);
    const { updates } = await updater.update({ run: run.run, parent: 0, batches: await run.collect(2), checkpoint: 0, checkpointsAt: [2] });
    run.played(updates);
    await updater.update({ run: run.run, parent: 2, batches: await run.collect(1), checkpoint: 2, checkpointsAt: [] });
    await updater.close();
    expect(updates[0]!.metrics['ratioMean']).toBeCloseTo(1, 5);
    const verifier = new RunVerifier(run.run, { store: run.store, reader: readerOf(run.store), host: createShardHost(), sample: null, seed: 1 });
    const report = await verifier.verify();
    await verifier.close();
    expect(report).toMatchObject({ difference: null, versions: 3, same: { segments: 6, rewards: 6, updates: 3 } });
  });

  it.each(['best-of-group'] as const)('learns by weighted likelihood (%s): what the rewards prefer becomes more likely', async (weighting) => {
    // The longer a completion the better, so that there is something to prefer at once.
    const sources = { brief: { kind: 'env', component: 'length' } };
    const run = await prepared({ ...TEXT_JOB, sources, combine: { op: 'linear', weights: { brief: -4 } }, learn: { kind: 'weighted-mle', weighting, groupSize: 4, batchSegments: 2, epochs: 4, learningRate: 0.01 } });
    const updater = updaterOf(run.store);
    const tokens: number[] = [];
    for (let version = 0; version < 6; version++) {
      const { updates } = await updater.update({ run: run.run, parent: version, batches: await run.collect(1), checkpoint: 0, checkpointsAt: [] });
      run.played(updates);
      tokens.push(updates[0]!.metrics['tokensMean']!);
    }
    await updater.close();
    expect(tokens.slice(4).reduce((sum, one) => sum + one, 0) / 2).toBeGreaterThan(tokens[0]! + 1);
  });

  it('takes the steps of SteerLM 2.0, each with the weights of the policy as it is then', async () => {
    const run = await prepared({ ...TEXT_JOB, sources: { brief: { kind: 'env', component: 'length' } }, combine: { op: 'linear', weights: { brief: -4 } }, learn: { kind: 'weighted-mle', weighting: 'steerlm2', groupSize: 4, batchSegments: 2, epochs: 2, learningRate: 0.001 } });
    const batches = await run.collect(1);
    const updater = updaterOf(run.store);
    const { updates } = await updater.update({ run: run.run, parent: 0, batches, checkpoint: 0, checkpointsAt: [] });
    await updater.close();
    expect(Object.values(updates[0]!.metrics).every(Number.isFinite)).toBe(true);
    expect(updates[0]!.metrics['gradientNorm']).toBeGreaterThan(0);
  });

  it('is evaluated on held-out prompts, twice the same', async () => {
    const run = await prepared();
    const means = await run.evaluate(12);
    expect(Object.keys(means)).toEqual(['length', 'return.struct', 'return.format', 'return.valid', 'return.correct', 'return.length', 'distinctMessages']);
    expect(await run.evaluate(12, 'again')).toEqual(means);
  });
});
