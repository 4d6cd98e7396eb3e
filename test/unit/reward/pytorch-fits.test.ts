/** The network that scores messages, its two losses and what becomes of its scores, against PyTorch (test/reference/reward/make_reward_fixtures.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../../../workers/learner/graph/graph.js';
import { parameterFeeds, type Feeds, type Objective } from '../../../workers/learner/loss-session.js';
import { Scope } from '../../../workers/learner/networks/scope.js';
import { classificationObjective } from '../../../workers/reward/models/classification-fit.js';
import { faded, merged, momentsOf, NO_MOMENTS } from '../../../proto/moments.js';
import { rankingObjective } from '../../../workers/reward/models/ranking-fit.js';
import { rankingValue } from '../../../workers/reward/models/ranking.js';
import { TextScores } from '../../../workers/reward/models/text-scores.js';
import { messageRows, TextNetwork } from '../../../workers/reward/models/text-network.js';
import type { ModelBody } from '../../../workers/reward/models/model-file.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import type { ShapeContext } from '../../../workers/reward/shaping/shape.js';
import { episodicCountDecay } from '../../../workers/reward/shaping/episodic-count-decay.js';

interface Fixture {
  readonly network: { readonly characters: number; readonly channels: number };
  readonly parameters: Readonly<Record<string, number[]>>;
  readonly scores: number[];
  readonly classification: { readonly messages: string[]; readonly target: number[]; readonly weight: number[]; readonly loss: number; readonly gradients: Readonly<Record<string, number[]>> };
  readonly ranking: { readonly first: string[]; readonly second: string[]; readonly target: number[]; readonly loss: number; readonly gradients: Readonly<Record<string, number[]>> };
  readonly standardisation: { readonly window: number; readonly threshold: number; readonly versions: readonly { readonly scores: number[]; readonly mean: number; readonly deviation: number; readonly rewards: number[] }[] };
  readonly decay: readonly { readonly exponent: number; readonly rewards: number[]; readonly counts: number[]; readonly decayed: number[] }[];
}

const fixture = JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'reward', 'message-models.json'), 'utf8')) as Fixture;
const { network: spec, classification, ranking } = fixture;
const network = new TextNetwork(spec);
const parameters = Object.fromEntries(Object.entries(fixture.parameters).map(([name, values]) => [name, Float32Array.from(values)]));
const messages = (texts: readonly string[]): OrtTensor => new OrtTensor('uint8', messageRows(texts, spec.characters), [texts.length, spec.characters]);
const column = (values: readonly number[]): OrtTensor => new OrtTensor('float32', Float32Array.from(values), [values.length]);

async function gradientsOf({ parameters: definitions, build }: Objective, feeds: Feeds): Promise<{ readonly loss: number; readonly gradients: Record<string, number[]> }> {
  const g = new Graph('reference');
  const scope = new Scope(g);
  const { loss } = build(g, scope);
  g.output('loss', loss);
  g.gradients(loss, definitions.map(({ name }) => scope.tensors.get(name) as Tensor)).forEach((gradient, index) => g.output(`gradient.${definitions[index]!.name}`, gradient));
  const session = await InferenceSession.create(g.build());
  const result = await session.run({ ...feeds, ...parameterFeeds(definitions, parameters) });
  await session.release();
  return { loss: result['loss']!.data[0] as number, gradients: Object.fromEntries(definitions.map(({ name }) => [name, [...(result[`gradient.${name}`]!.data as Float32Array)]])) };
}

/** To 1e-5 of the largest number: what single precision leaves. */
function expectClose(found: readonly number[], wanted: readonly number[], what: string): void {
  expect(found.length, what).toBe(wanted.length);
  const scale = Math.max(...wanted.map(Math.abs), 1e-3);
  wanted.forEach((value, index) => expect(Math.abs((found[index] as number) - value) / scale, `${what}[${index}]`).toBeLessThan(1e-5));
}

describe('the network that reads messages', () => {
  it('has the parameters and the scores of the one in PyTorch', async () => {
    expect(Object.fromEntries(network.parameters.map(({ name, shape }) => [name, shape.reduce((product, size) => product * size, 1)]))).toEqual(Object.fromEntries(Object.entries(fixture.parameters).map(([name, values]) => [name, values.length])));
    const scores = await TextScores.open(network.export(parameters, {}), spec.characters);
    expectClose([...(await scores.of(classification.messages))], fixture.scores, 'scores');
  });

  it('is trained to classify by the loss and every gradient that PyTorch gives', async () => {
    const { messages: texts, target, weight, loss, gradients } = classification;
    const found = await gradientsOf(classificationObjective(network, texts.length), { message: messages(texts), target: column(target), weight: column(weight) });
    expect(found.loss).toBeCloseTo(loss, 5);
    for (const [name, wanted] of Object.entries(gradients)) expectClose(found.gradients[name]!, wanted, name);
  });

  it('is trained to rank by the loss and every gradient that PyTorch gives, a tie among the pairs', async () => {
    const { first, second, target, loss, gradients } = ranking;
    const found = await gradientsOf(rankingObjective(network, target.length), { message: messages([...first, ...second]), target: column(target) });
    expect(found.loss).toBeCloseTo(loss, 5);
    for (const [name, wanted] of Object.entries(gradients)) expectClose(found.gradients[name]!, wanted, name);
  });
});

describe('scores as rewards', () => {
  it('are standardised by moments that fade, and cut at the threshold, as by second moments in Python', () => {
    const { window, threshold, versions } = fixture.standardisation;
    let moments = NO_MOMENTS;
    for (const { scores, mean, deviation, rewards } of versions) {
      moments = merged(faded(moments, window), momentsOf(scores));
      expect(moments.mean).toBeCloseTo(mean, 10);
      expect(Math.sqrt(moments.squares / (moments.count - 1))).toBeCloseTo(deviation, 10);
      const body = { head: { kind: 'ranking', moments, standardise: true, threshold }, position: 1 } as ModelBody;
      scores.forEach((score, index) => expect(rankingValue(body, score).value).toBeCloseTo(rewards[index]!, 10));
    }
    expect(versions.flatMap(({ rewards }) => rewards).some((reward) => reward === 0)).toBe(true);
  });

  it('decay with the count of the message in its episode as in Python', () => {
    for (const { exponent, rewards, counts, decayed } of fixture.decay) {
      const context = { level: { textCount: Int32Array.from(counts) } } as ShapeContext;
      const { value } = episodicCountDecay({ op: 'episodic-count-decay', on: 'x', exponent }, { value: Float32Array.from(rewards) } as RewardColumn, context);
      expectClose([...value], decayed, `exponent ${exponent}`);
    }
  });
});
