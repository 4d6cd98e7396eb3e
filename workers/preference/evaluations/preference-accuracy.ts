/** E1: accuracy over pairs in both orders, calibration. */
import type { ModelEvaluationOf } from '../../../proto/preference-evaluate.js';
import { pairsOf, unitNumbers } from '../dataset.js';
import { calibrationError } from '../statistics.js';
import { sigmoid } from '../workloads/draw.js';
import { exact, sampled, type Evaluated, type EvaluationContext } from './evaluation.js';

/** Credit of a pair: the mean over both orders of 1 where the choice is right, 0.5 where there is none; a tie in the label is left out. */
export async function preferenceAccuracy(spec: ModelEvaluationOf<'preference-accuracy'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const pairs = pairsOf(data, 'preference accuracy');
  const source = scoring.options.job.sources[spec.of];
  const positional = source?.kind === 'judge' && source.rule === 'first';
  const scores = await scoring.scalar(spec.of, data);
  const judged = Array.from({ length: pairs.count }, (_, pair) => pair).filter((pair) => pairs.label[pair] !== 0.5);
  const differences = judged.map((pair) => (scores[pairs.first[pair] as number] as number) - (scores[pairs.second[pair] as number] as number));
  const firstIsBetter = judged.map((pair) => (pairs.label[pair] as number) > 0.5);
  // Shown in this order, then in the other; a judge of positions says "first" both times.
  const credits = differences.map((difference, index) => {
    const wins = difference > 0 === (firstIsBetter[index] as boolean) ? 1 : 0;
    const [asShown, swapped] = positional ? [firstIsBetter[index] ? 1 : 0, firstIsBetter[index] ? 0 : 1] : difference === 0 ? [0.5, 0.5] : [wins, wins];
    return (asShown + swapped) / 2;
  });
  const inOneOrder = positional ? firstIsBetter.map((first) => (first ? 1 : 0)) : credits;
  const probabilities = differences.map(sigmoid);
  const outcomes = firstIsBetter.map((first) => (first ? 1 : 0));
  const losses = differences.map((difference, index) => -Math.log(Math.max(1e-12, sigmoid(firstIsBetter[index] ? difference : -difference))));
  return {
    items: judged.length,
    means: {
      accuracy: sampled(credits),
      'accuracy.first-order': sampled(inOneOrder),
      ...(spec.confident < 1 ? { 'accuracy.confident': sampled(mostConfident(differences, credits, spec.confident)) } : {}),
      ece: exact(calibrationError(probabilities, outcomes)),
      logLoss: sampled(losses),
      ...groupMeans(spec.by, spec.by === null ? [] : judged.map((pair) => unitNumbers(data, spec.by as string)[pairs.first[pair] as number] as number), credits),
    },
  };
}

function mostConfident(differences: readonly number[], credits: readonly number[], share: number): number[] {
  const order = differences.map((difference, index) => ({ size: Math.abs(difference), index })).sort((a, b) => b.size - a.size);
  return order.slice(0, Math.max(1, Math.round(share * order.length))).map(({ index }) => credits[index] as number);
}

function groupMeans(by: string | null, groups: readonly number[], credits: readonly number[]): Evaluated['means'] {
  if (by === null) return {};
  return Object.fromEntries([...new Set(groups)].sort((a, b) => a - b).map((group) => [`accuracy.${by}-${group}`, sampled(credits.filter((_, index) => groups[index] === group))]));
}
