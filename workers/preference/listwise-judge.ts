/**
 * A scripted judge who reads a principle in words and answers about a whole list (after RewardAnything, arXiv 2506.03637):
 * candidates are shown under masked names in a drawn order, the answer is a text with a score from 1 to 5 for each name,
 * and the map from names to candidates is inverted when the text is read.
 */
import { LaurelError } from '../../proto/errors.js';
import type { ScorerSpecOf } from '../../proto/preference-sources.js';
import { CounterRandom } from '../../proto/philox.js';
import { listsOf, unitNumbers, type Dataset } from './dataset.js';

const SCORES = { least: 1, most: 5 } as const;
/** Parts of the counters of `judgeNoise`; other judges use 1 and 2. */
const PART = { noise: 3, order: 4 } as const;

/**
 * What a principle asks for: each column that is named after "prefer" weighs 1, after "avoid" -1, until the next of both.
 * @throws LaurelError LAUREL_JOB_INVALID where it names none
 */
export function principleWeights(principle: string, columns: readonly string[]): Readonly<Record<string, number>> {
  const weights: Record<string, number> = {};
  let sign = 1;
  for (const word of principle.toLowerCase().split(/[^a-z]+/)) {
    if (word === 'prefer' || word === 'avoid') sign = word === 'prefer' ? 1 : -1;
    else if (columns.includes(word)) weights[word] = sign;
  }
  if (Object.keys(weights).length === 0) throw new LaurelError('LAUREL_JOB_INVALID', `expected a principle that names a column (${columns.join(', ')}) after prefer or avoid, got ${JSON.stringify(principle)}`);
  return weights;
}

/** Names A, B, ... AA, ... in the order in which candidates are shown. */
export function maskedName(place: number): string {
  return place < 26 ? String.fromCharCode(65 + place) : maskedName(Math.floor(place / 26) - 1) + maskedName(place % 26);
}

/** What the judge writes: a score for each name, and their ranking; `utilities` in the order shown. */
export function answerOf(utilities: readonly number[]): string {
  const [low, high] = [Math.min(...utilities), Math.max(...utilities)];
  const scores = utilities.map((utility) => (high === low ? 3 : SCORES.least + Math.round(((utility - low) / (high - low)) * (SCORES.most - SCORES.least))));
  const ranking = utilities.map((_, place) => place).sort((a, b) => (utilities[b] as number) - (utilities[a] as number) || a - b);
  return `${scores.map((score, place) => `${maskedName(place)}: ${score}`).join(', ')}; ${ranking.map(maskedName).join(' > ')}`;
}

/**
 * Scores by candidate.
 * @param shown candidate at each place
 * @throws LaurelError LAUREL_INVARIANT_VIOLATED where a name is missing, twice there, or has no score from 1 to 5
 */
export function readAnswer(text: string, shown: readonly number[]): number[] {
  const found = [...(text.split(';')[0] ?? '').matchAll(/([A-Z]+): (\d+)/g)];
  const scores = new Map(found.map(([, name, score]) => [name, Number(score)]));
  const byCandidate: number[] = [];
  shown.forEach((candidate, place) => {
    const score = scores.get(maskedName(place));
    if (score === undefined || found.length !== shown.length || score < SCORES.least || score > SCORES.most) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected a score from 1 to 5 for each of ${shown.length} names, got ${JSON.stringify(text)}`);
    byCandidate[candidate] = score;
  });
  return byCandidate;
}

/** Score of every unit of a list; a unit that stands in none has 0. */
export function listwiseScores(spec: ScorerSpecOf<'listwise-judge'>, data: Dataset, seed: number): Float32Array {
  const weights = principleWeights(spec.principle, Object.keys(data.units));
  const random = new CounterRandom(seed, 'judgeNoise');
  const columns = Object.entries(weights).map(([name, weight]) => ({ weight, values: unitNumbers(data, name) }));
  const utility = (row: number): number => columns.reduce((sum, { weight, values }) => sum + weight * (values[row] as number), 0) + spec.noise * random.normal(row, 0, PART.noise);
  const scores = new Float32Array(data.rows);
  const { start, size } = listsOf(data, 'a listwise judge');
  start.forEach((first, list) => {
    const shown = permutation(size[list] as number, random, list, spec.order);
    const utilities = shown.map((candidate) => utility(first + candidate));
    readAnswer(answerOf(utilities), shown).forEach((score, candidate) => (scores[first + candidate] = score));
  });
  return scores;
}

function permutation(size: number, random: CounterRandom, list: number, order: number): number[] {
  const left = Array.from({ length: size }, (_, index) => index);
  return Array.from({ length: size }, (_, place) => left.splice(Math.floor(random.uniform(list, order, PART.order, place) * left.length), 1)[0] as number);
}
