/** Makes a version of fit `ranking`: learns from comparisons, and carries the running moments of its scores. */
import { Tensor } from 'onnxruntime-node';
import type { RankingSpec } from '../../../proto/reward-fits.js';
import { pairOfKey } from '../../annotator/pair.js';
import type { Objective } from '../../learner/loss-session.js';
import * as op from '../../learner/graph/ops.js';
import type { FitContext, FitOutcome } from './fit-kind.js';
import { logisticLoss } from './logistic-loss.js';
import type { ModelHead } from './model-file.js';
import { faded, merged, momentsOf, NO_MOMENTS, quantile, standardised } from '../../../proto/moments.js';
import { messageRows, type TextNetwork } from './text-network.js';

/** Held-out pairs with a winner without which no claim is made. */
const TESTED_MIN = 10;

/** First messages, then second ones: the difference of their scores is the logit of the first being better. */
export function rankingObjective(network: TextNetwork, pairs: number): Objective {
  return {
    parameters: network.parameters,
    build(g, scope) {
      const scores = network.build(scope, network.input(g, 'message', 2 * pairs));
      const difference = op.sub(g, op.slice(g, scores, 0, 0, pairs), op.slice(g, scores, 0, pairs, 2 * pairs));
      return { loss: logisticLoss(g, difference, g.input('target', [pairs]), g.constant(new Float32Array(pairs).fill(1), [pairs])), metrics: {} };
    },
  };
}

export async function fitRanking(spec: RankingSpec, { network, set, labelOf, choiceOf, train, scores, previous }: FitContext): Promise<FitOutcome> {
  const target = (pair: string): number => CHOSEN[choiceOf(pair) ?? choiceFrom(labelOf(pair))];
  const { parameters, steps, loss } = await train(rankingObjective(network, spec.batch), (keys) => {
    const pairs = keys.map(pairOfKey);
    const messages = [...pairs.map(({ first }) => first), ...pairs.map(({ second }) => second)];
    return {
      message: new Tensor('uint8', messageRows(messages, spec.characters), [messages.length, spec.characters]),
      target: new Tensor('float32', Float32Array.from(keys, target), [keys.length]),
    };
  });
  const survey = set.survey();
  const messages = messagesOf(survey);
  const scored = new Map((await scores(parameters, messages)).map((score, index) => [messages[index] as string, score]));
  const test = testPairs(
    survey.filter((pair) => set.isHeldOut(pair)).map((pair) => {
      const { first, second } = pairOfKey(pair);
      return { difference: (scored.get(first) as number) - (scored.get(second) as number), target: target(pair) };
    }),
  );
  // Of what is new, by the new network: what older networks said fades.
  const fresh = messagesOf(survey.filter((pair) => set.isFresh(pair)));
  const before = previous?.kind === 'ranking' ? faded(previous.moments, spec.window) : NO_MOMENTS;
  const moments = merged(before, momentsOf(fresh.map((message) => scored.get(message) as number)));
  const z = (score: number): number => (spec.standardise ? standardised(moments, score) : score);
  const threshold = spec.thresholdQuantile === null ? spec.threshold : quantile(messages.map((message) => z(scored.get(message) as number)), spec.thresholdQuantile);
  const head: ModelHead = { kind: 'ranking', moments, standardise: spec.standardise, threshold };
  return {
    parameters,
    steps,
    head,
    ready: test.tested >= TESTED_MIN && test.accuracy > test.majority,
    metrics: { loss, messages: messages.length, ...test },
  };
}

const CHOSEN = { first: 1, second: 0, tie: 0.5 } as const;

/** Of a label without a choice (a log of another program): what its probability says. */
function choiceFrom(probability: number): keyof typeof CHOSEN {
  return probability > 0.5 ? 'first' : probability < 0.5 ? 'second' : 'tie';
}

/** Distinct messages of pairs, in their order. */
function messagesOf(pairs: readonly string[]): string[] {
  return [...new Set(pairs.map(pairOfKey).flatMap(({ first, second }) => [first, second]))];
}

/** Share of pairs with a winner that the scores name, and the share that naming always the same place would name. */
export function testPairs(cases: readonly { readonly difference: number; readonly target: number }[]): { tested: number; heldOut: number; accuracy: number; majority: number } {
  const decided = cases.filter(({ target }) => target !== 0.5);
  const tested = decided.length;
  if (tested === 0) return { tested, heldOut: cases.length, accuracy: 0, majority: 0 };
  const first = decided.filter(({ target }) => target > 0.5).length / tested;
  return { tested, heldOut: cases.length, accuracy: decided.filter(({ difference, target }) => difference > 0 === target > 0.5).length / tested, majority: Math.max(first, 1 - first) };
}
