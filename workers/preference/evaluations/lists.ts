/** E1 and E3 over lists: the right answer among several, the ties score, best of n. */
import type { ModelEvaluationOf } from '../../../proto/preference-evaluate.js';
import { LaurelError } from '../../../proto/errors.js';
import { listsOf, unitNumbers, type Dataset } from '../dataset.js';
import { kendall, mean } from '../statistics.js';
import { exact, sampled, type Evaluated, type EvaluationContext } from './evaluation.js';

/** Values of the answers of each list. */
function byList(data: Dataset, values: Float32Array): number[][] {
  const { start, size } = listsOf(data, 'an evaluation of lists');
  return Array.from(start, (from, list) => Array.from(values.subarray(from, from + (size[list] as number))));
}

export async function bestOfList(spec: ModelEvaluationOf<'best-of-list'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const scores = byList(data, await scoring.scalar(spec.of, data));
  const correct = byList(data, unitNumbers(data, spec.correct));
  const credits = scores.map((own, list) => listCredit(own, correct[list] as number[]));
  return { items: credits.length, means: { accuracy: sampled(credits) } };
}

/** 1 / (answers that share the maximum) where a right one is among them, else 0. */
export function listCredit(scores: readonly number[], correct: readonly number[]): number {
  const highest = Math.max(...scores);
  const best = scores.flatMap((score, index) => (score === highest ? [index] : []));
  return best.some((index) => correct[index] === 1) ? 1 / best.length : 0;
}

/**
 * RewardBench 2 (arXiv 2506.01937), ties subset: 0.30 x accuracy on lists with several right answers + 0.30 x accuracy on
 * their references + 0.20 P(m_ci > m_cc) + 0.20 P(min(m_ci, m_ref) > m_cc) + 0.01 mean tanh(min(m_ci, m_ref) / m_cc - 1),
 * with m_ci = worst right - best wrong, m_cc = best right - worst right, m_ref = m_ci of the reference. Can exceed 1 by 0.01.
 */
export async function tiesScore(spec: ModelEvaluationOf<'ties'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const scores = byList(data, await scoring.scalar(spec.of, data));
  const correct = byList(data, unitNumbers(data, spec.correct));
  if (scores.length % 2 !== 0) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected lists in twos, several right answers and the reference, got ${scores.length}`);
  const margins = scores.map((own, list) => listMargins(own, correct[list] as number[]));
  const items = margins.flatMap((tied, list) => (list % 2 === 0 ? [{ tied, reference: margins[list + 1] as ListMargins }] : []));
  const share = (holds: (item: (typeof items)[number]) => boolean): number => mean(items.map((item) => (holds(item) ? 1 : 0)));
  const least = ({ tied, reference }: (typeof items)[number]): number => Math.min(tied.ahead, reference.ahead);
  const parts = {
    accuracyTied: share(({ tied }) => tied.ahead > 0),
    accuracyReference: share(({ reference }) => reference.ahead > 0),
    aheadOfSpread: share(({ tied }) => tied.ahead > tied.spread),
    bothAheadOfSpread: share((item) => least(item) > item.tied.spread),
    margin: mean(items.map((item) => (item.tied.spread === 0 ? Math.sign(least(item)) : Math.tanh(least(item) / item.tied.spread - 1)))),
  };
  const score = 0.3 * parts.accuracyTied + 0.3 * parts.accuracyReference + 0.2 * parts.aheadOfSpread + 0.2 * parts.bothAheadOfSpread + 0.01 * parts.margin;
  return { items: items.length, means: { score: exact(score), ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, exact(value)])) } };
}

export interface ListMargins {
  /** Worst right answer - best wrong one. */
  readonly ahead: number;
  /** Best right answer - worst right one. */
  readonly spread: number;
}

export function listMargins(scores: readonly number[], correct: readonly number[]): ListMargins {
  const right = scores.filter((_, index) => correct[index] === 1);
  const wrong = scores.filter((_, index) => correct[index] !== 1);
  return { ahead: Math.min(...right) - Math.max(...wrong), spread: Math.max(...right) - Math.min(...right) };
}

/** KL of the best of n against one draw: log n - (n - 1) / n nats. */
export function bestOfNDivergence(n: number): number {
  return Math.log(n) - (n - 1) / n;
}

/** True and own score of the answer that the source likes best among the first n of each list. */
export async function bestOfN(spec: ModelEvaluationOf<'best-of-n'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const own = byList(data, await scoring.scalar(spec.of, data));
  const gold = byList(data, unitNumbers(data, spec.gold));
  const longest = Math.min(...own.map((list) => list.length));
  const beyond = spec.n.find((n) => n > longest);
  if (beyond !== undefined) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected at least ${beyond} answers in each list for best of ${beyond}, got ${longest}`);
  const means: Record<string, Evaluated['means'][string]> = {};
  for (const n of spec.n) {
    const chosen = own.map((scores) => scores.indexOf(Math.max(...scores.slice(0, n))));
    means[`gold.${n}`] = sampled(chosen.map((index, list) => (gold[list] as number[])[index] as number));
    means[`own.${n}`] = sampled(chosen.map((index, list) => (own[list] as number[])[index] as number));
    means[`divergence.${n}`] = exact(bestOfNDivergence(n));
  }
  const best = sampled(gold.map((scores) => Math.max(...scores.slice(0, Math.max(...spec.n)))));
  return { items: own.length, means: { ...means, 'gold.best': best, kendall: sampled(own.map((scores, list) => kendall(scores, gold[list] as number[]))) } };
}
