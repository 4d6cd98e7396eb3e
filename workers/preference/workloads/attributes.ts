/** Answers with several rated attributes, under prompts whose topic decides which of them counts. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { dot, Draw } from './draw.js';

type AttributesSpec = DataSpecOf<'attributes'>;

const STREAM = { direction: 1, table: 10 } as const;
/** Deviation of a prompt's embedding around its topic. */
const PROMPT_NOISE = 0.1;
/** What a topic gives to each attribute that it does not care for. */
const OTHER_WEIGHT = 0.1;

export function makeAttributes(spec: AttributesSpec, seed: number): Record<string, Dataset> {
  const directions = Array.from({ length: spec.attributes }, (_, attribute) => new Draw(seed, STREAM.direction).unit(spec.features, attribute));
  return {
    ratings: table(spec, seed, 0, directions, spec.ratings, false),
    train: table(spec, seed, 1, directions, 2 * spec.pairs, true),
    test: table(spec, seed, 2, directions, 2 * spec.testPairs, true),
  };
}

/** Attributes that a topic can care for: all but verbosity. */
function cared({ attributes, verbosity }: AttributesSpec): number {
  return verbosity === 0 ? attributes : attributes - 1;
}

function table(spec: AttributesSpec, seed: number, number: number, directions: readonly Float32Array[], rows: number, paired: boolean): Dataset {
  const { features, attributes, topics, noise, unrated, verbosity } = spec;
  const [answers, prompts, errors, absent] = [0, 1, 2, 3].map((part) => new Draw(seed, STREAM.table + 4 * number + part)) as [Draw, Draw, Draw, Draw];
  const columns = { embedding: new Float32Array(rows * features), prompt: new Float32Array(rows * topics), rating: new Float32Array(rows * attributes), rated: new Float32Array(rows * attributes) };
  const single = { topic: new Float32Array(rows), utility: new Float32Array(rows), verbosity: new Float32Array(rows) };
  for (let row = 0; row < rows; row++) {
    const prompt = paired ? row >> 1 : row;
    const topic = prompts.below(topics, prompt);
    const answer = answers.normals(features, row);
    const values = directions.map((direction) => dot(direction, answer));
    const last = values[attributes - 1] as number;
    columns.embedding.set(answer, row * features);
    for (let part = 0; part < topics; part++) columns.prompt[row * topics + part] = (part === topic ? 1 : 0) + PROMPT_NOISE * prompts.normal(prompt, 1 + part);
    values.forEach((value, attribute) => {
      const leak = verbosity !== 0 && attribute < attributes - 1 ? verbosity * last : 0;
      const missing = attribute >= (spec.ratedAttributes ?? attributes) || absent.uniform(row, attribute) < unrated;
      columns.rating[row * attributes + attribute] = missing ? 0 : value + leak + noise * errors.normal(row, attribute);
      columns.rated[row * attributes + attribute] = missing ? 0 : 1;
    });
    single.topic[row] = topic;
    single.verbosity[row] = last;
    const wanted = topic % cared(spec);
    single.utility[row] = values.slice(0, cared(spec)).reduce((sum, value, attribute) => sum + value * (attribute === wanted ? 1 : OTHER_WEIGHT), 0);
  }
  const count = paired ? rows / 2 : 0;
  const first = Int32Array.from({ length: count }, (_, pair) => 2 * pair);
  const better = (pair: number): boolean => (single.utility[2 * pair] as number) > (single.utility[2 * pair + 1] as number);
  return {
    rows,
    units: {
      embedding: { width: features, values: columns.embedding },
      prompt: { width: topics, values: columns.prompt },
      rating: { width: attributes, values: columns.rating },
      rated: { width: attributes, values: columns.rated },
      ...Object.fromEntries(Object.entries(single).map(([name, values]) => [name, { width: 1, values }])),
      ...Object.fromEntries(directions.map((_, attribute) => [`attribute${attribute + 1}`, { width: 1, values: Float32Array.from({ length: rows }, (_unused, row) => dot(directions[attribute] as Float32Array, columns.embedding.subarray(row * features, (row + 1) * features))) }])),
    },
    pairs: paired ? { count, first, second: first.map((row) => row + 1), label: Float32Array.from({ length: count }, (_, pair) => (better(pair) ? 1 : 0)), columns: {} } : null,
    lists: null,
    facts: {},
  };
}
