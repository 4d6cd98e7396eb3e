/**
 * Rubrics from contrasts (after OpenRubrics, arXiv 2510.07743): from a prompt with a preferred and a rejected answer a
 * scripted writer names a hard rule that only the rejected one breaks and the principles in which the preferred one is
 * furthest ahead; the rubric is kept where judging with it gives the label again. A judge of fresh answers uses what the kept
 * rubrics of the topic say most often. Writer and judge see criteria with noise of their own.
 */
import { LaurelError } from '../../proto/errors.js';
import { CRITERIA, HARD_RULES, type CurateSpecOf } from '../../proto/preference-data.js';
import type { ScorerSpecOf } from '../../proto/preference-sources.js';
import { CounterRandom } from '../../proto/philox.js';
import { CHANGES, pairsOf, unitNumbers, type Dataset, type Pairs } from './dataset.js';

export interface Rubric {
  /** Of HARD_RULES; null: none. */
  readonly rule: number | null;
  /** Of CRITERIA. */
  readonly principles: readonly number[];
}

/** What a reader makes of an answer. */
export interface Reading {
  readonly criteria: readonly number[];
  /** 1: the rule is kept. Read without noise: it can be checked. */
  readonly rules: readonly number[];
}

/** Score of an answer that breaks the hard rule of a rubric. */
export const VETO_FLOOR = -100;
/** Parts of the counters of `judgeNoise`; the judges of scoring.ts and listwise-judge.ts use 1 to 4. */
const PART = { writer: 5, judge: 6 } as const;

export function contrastiveRubric(preferred: Reading, rejected: Reading, size: number): Rubric {
  const rule = preferred.rules.findIndex((kept, index) => kept === 1 && rejected.rules[index] === 0);
  const ahead = preferred.criteria.map((value, index) => ({ index, by: value - (rejected.criteria[index] as number) })).sort((a, b) => b.by - a.by || a.index - b.index);
  return { rule: rule === -1 ? null : rule, principles: ahead.slice(0, size).map(({ index }) => index).sort((a, b) => a - b) };
}

/** The floor where the hard rule is broken, else the mean of the principles. */
export function judgedBy({ rule, principles }: Rubric, { criteria, rules }: Reading): number {
  if (rule !== null && rules[rule] !== 1) return VETO_FLOOR;
  return principles.reduce((sum, index) => sum + (criteria[index] as number), 0) / Math.max(1, principles.length);
}

/** The most frequent rule and the `size` most frequent principles; of equals the first. */
export function commonRubric(rubrics: readonly Rubric[], size: number): Rubric {
  const times = (count: number, of: (rubric: Rubric) => readonly number[]): { index: number; times: number }[] =>
    Array.from({ length: count }, (_, index) => ({ index, times: rubrics.filter((rubric) => of(rubric).includes(index)).length })).filter((one) => one.times > 0).sort((a, b) => b.times - a.times || a.index - b.index);
  const [rule] = times(HARD_RULES.length, (rubric) => (rubric.rule === null ? [] : [rubric.rule]));
  return { rule: rule?.index ?? null, principles: times(CRITERIA.length, (rubric) => rubric.principles).slice(0, size).map(({ index }) => index).sort((a, b) => a - b) };
}

/** Pairs whose rubric gives their label again, with it as the columns `rule` (0: none, else its number from 1) and `principles` (a bit for each). */
export function rubricTable(spec: CurateSpecOf<'rubrics'>, data: Dataset, seed: number): Dataset {
  const pairs = pairsOf(data, 'rubrics');
  const [writer, judge] = [readerOf(data, spec.noise, seed, PART.writer), readerOf(data, spec.noise, seed, PART.judge)];
  const kept = Array.from({ length: pairs.count }, (_, pair) => pair).flatMap((pair) => {
    const { preferred, rejected } = sidesOf(pairs, pair);
    if (pairs.label[pair] === 0.5) return [];
    const rubric = contrastiveRubric(writer(preferred), writer(rejected), spec.size);
    return judgedBy(rubric, judge(preferred)) > judgedBy(rubric, judge(rejected)) ? [{ pair, rubric }] : [];
  });
  const numbers = (of: (one: (typeof kept)[number]) => number): Float32Array => Float32Array.from(kept, of);
  return {
    ...data,
    pairs: {
      count: kept.length,
      first: Int32Array.from(kept, ({ pair }) => pairs.first[pair] as number),
      second: Int32Array.from(kept, ({ pair }) => pairs.second[pair] as number),
      label: numbers(({ pair }) => pairs.label[pair] as number),
      columns: {
        ...Object.fromEntries(Object.entries(pairs.columns).map(([name, values]) => [name, numbers(({ pair }) => values[pair] as number)])),
        origin: numbers(({ pair }) => pair),
        change: numbers(() => CHANGES.kept),
        rule: numbers(({ rubric }) => (rubric.rule === null ? 0 : rubric.rule + 1)),
        principles: numbers(({ rubric }) => rubric.principles.reduce((bits, index) => bits + 2 ** index, 0)),
      },
    },
    facts: { ...data.facts, pairsBefore: pairs.count },
  };
}

/** The rubric of each pair of a table that `rubricTable` made. @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function rubricsOf({ columns, count }: Pairs): Rubric[] {
  const { rule, principles } = columns;
  if (!rule || !principles) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected pairs with rubrics (columns rule and principles), got ${Object.keys(columns).join(', ')}; make the table with {"op": "rubrics"}`);
  return Array.from({ length: count }, (_, pair) => ({ rule: rule[pair] === 0 ? null : (rule[pair] as number) - 1, principles: CRITERIA.flatMap((_name, index) => (Math.floor((principles[pair] as number) / 2 ** index) % 2 === 1 ? [index] : [])) }));
}

/** Score of each unit by the rubric of its topic; by all criteria and rules alike where there are no rubrics. */
export function rubricScores(spec: ScorerSpecOf<'rubric-judge'>, rubrics: Dataset | null, data: Dataset, seed: number): Float32Array {
  const read = readerOf(data, spec.noise, seed, PART.judge);
  if (rubrics === null) {
    const impression = ({ criteria, rules }: Reading): number => [...criteria, ...rules].reduce((sum, one) => sum + one, 0) / (criteria.length + rules.length);
    return Float32Array.from({ length: data.rows }, (_, row) => impression(read(row)));
  }
  const topics = unitNumbers(data, 'topic');
  const byTopic = rubricsByTopic(rubrics, spec.size);
  return Float32Array.from(topics, (topic, row) => judgedBy(byTopic.get(topic) ?? { rule: null, principles: [] }, read(row)));
}

function rubricsByTopic(data: Dataset, size: number): ReadonlyMap<number, Rubric> {
  const pairs = pairsOf(data, 'rubrics');
  const topics = unitNumbers(data, 'topic');
  const rubrics = rubricsOf(pairs);
  return new Map([...new Set(topics)].map((topic) => [topic, commonRubric(rubrics.filter((_, pair) => topics[pairs.first[pair] as number] === topic), size)]));
}

/** How each kept pair is judged by its own rubric: true where that gives the label. */
export function reproduced(spec: CurateSpecOf<'rubrics'>, data: Dataset, seed: number): boolean[] {
  const pairs = pairsOf(data, 'rubrics');
  const judge = readerOf(data, spec.noise, seed, PART.judge);
  return rubricsOf(pairs).map((rubric, pair) => {
    const { preferred, rejected } = sidesOf(pairs, pair);
    return judgedBy(rubric, judge(preferred)) > judgedBy(rubric, judge(rejected));
  });
}

function sidesOf(pairs: Pairs, pair: number): { readonly preferred: number; readonly rejected: number } {
  const [first, second] = [pairs.first[pair] as number, pairs.second[pair] as number];
  return (pairs.label[pair] as number) > 0.5 ? { preferred: first, rejected: second } : { preferred: second, rejected: first };
}

function readerOf(data: Dataset, noise: number, seed: number, part: number): (row: number) => Reading {
  const random = new CounterRandom(seed, 'judgeNoise');
  const criteria = CRITERIA.filter((name) => name in data.units).map((name) => unitNumbers(data, name));
  const rules = HARD_RULES.map((name) => unitNumbers(data, name));
  return (row) => ({ criteria: criteria.map((values, index) => (values[row] as number) + noise * random.normal(row, index, part)), rules: rules.map((values) => values[row] as number) });
}
