/** Replies to students with three rated dimensions: few ratings by people, many by a language model that is noisy and lenient. */
import { RATERS, type DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset, UnitColumn } from '../dataset.js';
import { logSoftmax } from './bandit.js';
import { dot, Draw } from './draw.js';

type RepliesSpec = DataSpecOf<'replies'>;

/** Helpful, personal, creative. */
const DIMENSIONS = 3;
const STREAM = { direction: 40, reference: 41, table: 50 } as const;

/** Columns r1, r2, r3 are the true values of the dimensions; `rater` 0 a person, 1 a language model. */
export function makeReplies(spec: RepliesSpec, seed: number): Record<string, Dataset> {
  const directions = Array.from({ length: DIMENSIONS }, (_, dimension) => new Draw(seed, STREAM.direction).unit(spec.features, dimension));
  const { prompts, actions } = spec;
  const reference = new Draw(seed, STREAM.reference);
  const logReference = Array.from({ length: prompts }, (_, prompt) => logSoftmax(Array.from({ length: actions }, (_unused, action) => reference.normal(prompt, action)))).flat();
  const rows = prompts * actions;
  const policy = table(spec, seed, 2, directions, rows);
  return {
    ratings: table(spec, seed, 0, directions, spec.humanRatings + spec.modelRatings),
    test: table(spec, seed, 1, directions, spec.testReplies),
    policy: {
      ...policy,
      units: { ...policy.units, prompt: column(rows, (row) => Math.floor(row / actions)), action: column(rows, (row) => row % actions), logReference: column(rows, (row) => logReference[row] as number) },
      lists: { start: Int32Array.from({ length: prompts }, (_, prompt) => prompt * actions), size: new Int32Array(prompts).fill(actions) },
    },
  };
}

/** The first `humanRatings` are rated by people, all others by a model; each dimension is left unrated with the same probability. */
function table(spec: RepliesSpec, seed: number, number: number, directions: readonly Float32Array[], rows: number): Dataset {
  const [answers, errors, absent] = [0, 1, 2].map((part) => new Draw(seed, STREAM.table + 3 * number + part)) as [Draw, Draw, Draw];
  const embedding = new Float32Array(rows * spec.features);
  const truth = new Float32Array(rows * DIMENSIONS);
  for (let row = 0; row < rows; row++) {
    const answer = answers.normals(spec.features, row);
    embedding.set(answer, row * spec.features);
    directions.forEach((direction, dimension) => (truth[row * DIMENSIONS + dimension] = dot(direction, answer)));
  }
  const rater = (row: number): number => (row < spec.humanRatings ? 0 : 1);
  const rated = Float32Array.from({ length: rows * DIMENSIONS }, (_, at) => (absent.uniform(at) < spec.unrated ? 0 : 1));
  const rating = truth.map((value, at) => {
    const { noise, shift } = RATERS[rater(Math.floor(at / DIMENSIONS))] as (typeof RATERS)[number];
    return rated[at] === 0 ? 0 : value + shift + noise * errors.normal(at);
  });
  return {
    rows,
    units: {
      embedding: { width: spec.features, values: embedding },
      rating: { width: DIMENSIONS, values: rating },
      rated: { width: DIMENSIONS, values: rated },
      rater: column(rows, rater),
      ...Object.fromEntries(directions.map((_, dimension) => [`r${dimension + 1}`, column(rows, (row) => truth[row * DIMENSIONS + dimension] as number)])),
    },
    pairs: null,
    lists: null,
    facts: {},
  };
}

function column(rows: number, value: (row: number) => number): UnitColumn {
  return { width: 1, values: Float32Array.from({ length: rows }, (_, row) => value(row)) };
}
