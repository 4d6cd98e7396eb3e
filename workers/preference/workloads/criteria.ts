/** Answers with criteria that can be read off, under prompts of several topics that each care for some of them. */
import { CRITERIA, HARD_RULES, type DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { Draw } from './draw.js';

type CriteriaSpec = DataSpecOf<'criteria'>;

const STREAM = { topic: 30, train: 31, test: 32, lists: 33 } as const;
/** What breaking the hard rule of the topic takes from the true score: more than all criteria can give. */
export const BROKEN_COST = 1_000;

/** Criteria that a topic cares for, and the rule that nothing of it may break. */
export interface Topic {
  readonly criteria: readonly number[];
  readonly rule: number;
}

export function topicsOf({ topics, criteria, planted }: Pick<CriteriaSpec, 'topics' | 'criteria' | 'planted'>, seed: number): Topic[] {
  const draw = new Draw(seed, STREAM.topic);
  return Array.from({ length: topics }, (_, topic) => {
    const left = Array.from({ length: criteria }, (_unused, one) => one);
    const chosen = Array.from({ length: Math.min(planted, criteria) }, (_unused, part) => left.splice(draw.below(left.length, topic, part), 1)[0] as number);
    return { criteria: chosen, rule: draw.below(HARD_RULES.length, topic, planted) };
  });
}

/** Sum of what the topic cares for, less the cost of a broken rule. */
export function trueScore(topic: Topic, criteria: ArrayLike<number>, kept: ArrayLike<number>): number {
  return topic.criteria.reduce((sum, one) => sum + (criteria[one] as number), 0) - (kept[topic.rule] === 1 ? 0 : BROKEN_COST);
}

export function makeCriteria(spec: CriteriaSpec, seed: number): Record<string, Dataset> {
  const topics = topicsOf(spec, seed);
  const pairs = (stream: number, count: number): Dataset => {
    const { gold, ...data } = answers(spec, topics, new Draw(seed, stream), count, 2);
    const first = Int32Array.from({ length: count }, (_, pair) => 2 * pair);
    const label = Float32Array.from(first, (row) => ((gold[row] as number) > (gold[row + 1] as number) ? 1 : (gold[row] as number) < (gold[row + 1] as number) ? 0 : 0.5));
    return { ...data, pairs: { count, first, second: first.map((row) => row + 1), label, columns: {} } };
  };
  const { gold: _gold, ...lists } = answers(spec, topics, new Draw(seed, STREAM.lists), spec.lists, spec.listSize);
  return {
    train: pairs(STREAM.train, spec.pairs),
    test: pairs(STREAM.test, spec.testPairs),
    lists: { ...lists, lists: { start: Int32Array.from({ length: spec.lists }, (_, list) => list * spec.listSize), size: new Int32Array(spec.lists).fill(spec.listSize) } },
  };
}

/** Groups of answers to one prompt each; a column for each criterion and rule, `topic` and `gold`. */
function answers(spec: CriteriaSpec, topics: readonly Topic[], draw: Draw, groups: number, size: number): Dataset & { readonly gold: Float32Array } {
  const rows = groups * size;
  const column = (): Float32Array => new Float32Array(rows);
  const criteria = Array.from({ length: spec.criteria }, column);
  const rules = HARD_RULES.map(column);
  const [topic, gold] = [column(), column()];
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / size);
    topic[row] = group % topics.length;
    criteria.forEach((values, one) => (values[row] = draw.normal(row, one)));
    rules.forEach((values, one) => (values[row] = draw.uniform(row, spec.criteria + one) < spec.broken ? 0 : 1));
    gold[row] = trueScore(topics[group % topics.length] as Topic, criteria.map((values) => values[row] as number), rules.map((values) => values[row] as number));
  }
  const named = (names: readonly string[], values: readonly Float32Array[]): [string, { width: number; values: Float32Array }][] => values.map((one, index) => [names[index] as string, { width: 1, values: one }]);
  return { rows, units: Object.fromEntries([...named(CRITERIA, criteria), ...named(HARD_RULES, rules), ...named(['topic', 'gold'], [topic, gold])]), pairs: null, lists: null, facts: {}, gold };
}
