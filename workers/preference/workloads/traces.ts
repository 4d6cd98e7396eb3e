/** Reasoning traces by what is seen of them. Both traces of a pair end with the right answer; one has a broken rationale. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { Draw } from './draw.js';

type TracesSpec = DataSpecOf<'traces'>;

const STREAM = { table: 10 } as const;
const ANSWER_TOKENS = 3;
const WIDTH = 8;
/** Mean log-probability of a rationale's token under the policy that wrote it: a broken one is less sure. */
const LOG_PROB = { sound: -0.8, broken: -1.1 } as const;

export function makeTraces(spec: TracesSpec, seed: number): Record<string, Dataset> {
  return { train: table(spec, seed, 0), test: table(spec, seed, 1) };
}

/**
 * Columns: `rationale`, `answer` log-probabilities of tokens in nats · `question`, `embedding` vectors; a sound rationale
 * lies nearer to its question · `consistency` what a reader sees of its steps · `outcome` 1: all answers are right.
 */
function table({ pairs: count, tokens, noise }: TracesSpec, seed: number, number: number): Dataset {
  const [order, logProbs, vectors, steps] = [0, 1, 2, 3].map((part) => new Draw(seed, STREAM.table + 4 * number + part)) as [Draw, Draw, Draw, Draw];
  const rows = 2 * count;
  const label = Float32Array.from({ length: count }, (_, pair) => (order.uniform(pair) < 0.5 ? 1 : 0));
  const sound = (row: number): boolean => (row % 2 === 0) === (label[row >> 1] === 1);
  const filled = (width: number, value: (row: number, part: number) => number) => ({ width, values: Float32Array.from({ length: rows * width }, (_, at) => value(Math.floor(at / width), at % width)) });
  const question = (row: number, part: number): number => vectors.normal(3 * (row >> 1), part);
  const first = Int32Array.from({ length: count }, (_, pair) => 2 * pair);
  return {
    rows,
    units: {
      rationale: filled(tokens, (row, part) => Math.min(-0.001, LOG_PROB[sound(row) ? 'sound' : 'broken'] + noise * logProbs.normal(row, part))),
      answer: filled(ANSWER_TOKENS, (row, part) => Math.min(-0.001, -0.3 + 0.1 * logProbs.normal(row, tokens + part))),
      question: filled(WIDTH, question),
      embedding: filled(WIDTH, (row, part) => (sound(row) ? 0.9 : 0.3) * question(row, part) + noise * vectors.normal(3 * (row >> 1) + 1 + (row % 2), part)),
      consistency: filled(WIDTH, (row, part) => (part === 0 && sound(row) ? 1.5 : 0) + noise * steps.normal(row, part)),
      outcome: filled(1, () => 1),
    },
    pairs: { count, first, second: first.map((row) => row + 1), label, columns: {} },
    lists: null,
    facts: {},
  };
}
