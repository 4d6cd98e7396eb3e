/** A policy small enough to know its optimum: every answer of every prompt is a unit. */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { dot, Draw, sigmoid } from './draw.js';

type BanditSpec = DataSpecOf<'bandit'>;

const STREAM = { reward: 1, reference: 2, embedding: 3, direction: 4 } as const;
const EMBEDDING_WIDTH = 4;
/** Levels of an attribute are 0 to this, as in HelpSteer2. */
const LEVEL_MAX = 4;
/** Deviation of the reference's logits. */
const REFERENCE_SPREAD = 1;

export function makeBandit(spec: BanditSpec, seed: number): Record<string, Dataset> {
  const { prompts, actions, objectives, attributes } = spec;
  const rows = prompts * actions;
  const reference = new Draw(seed, STREAM.reference);
  const rewards = rewardsOf(spec, seed);
  const column = (value: (prompt: number, action: number, row: number) => number) => ({ width: 1, values: Float32Array.from({ length: rows }, (_, row) => value(Math.floor(row / actions), row % actions, row)) });
  // Requested levels are prompts of one and the same question: its answers, and the reference on them, are the same.
  const source = (prompt: number): number => (attributes > 0 ? 0 : prompt);
  const logReference = Array.from({ length: prompts }, (_, prompt) => logSoftmax(Array.from({ length: actions }, (_unused, action) => REFERENCE_SPREAD * reference.normal(source(prompt), action))));
  return {
    policy: {
      rows,
      units: {
        prompt: column((prompt) => prompt),
        action: column((_prompt, action) => action),
        logReference: column((prompt, action) => (logReference[prompt] as number[])[action] as number),
        ...Object.fromEntries(Array.from({ length: objectives }, (_, objective) => [`r${objective + 1}`, column((_prompt, _action, row) => (rewards[objective] as Float32Array)[row] as number)])),
        ...(attributes > 0 ? levelColumns(spec, seed, column) : {}),
      },
      pairs: pairsOfAnswers(spec, rewards),
      lists: { start: Int32Array.from({ length: prompts }, (_, prompt) => prompt * actions), size: new Int32Array(prompts).fill(actions) },
      facts: {},
    },
  };
}

/** r2 and the further ones pull against r1 by `conflict`. */
function rewardsOf({ prompts, actions, objectives, conflict }: BanditSpec, seed: number): Float32Array[] {
  const draw = new Draw(seed, STREAM.reward);
  const first = Float32Array.from({ length: prompts * actions }, (_, row) => draw.normal(row, 0));
  const other = (objective: number): Float32Array => first.map((value, row) => -conflict * value + Math.sqrt(1 - conflict ** 2) * draw.normal(row, objective));
  return [first, ...Array.from({ length: objectives - 1 }, (_, index) => other(index + 1))];
}

/** `level`: what the answer has of the attribute, linear in its embedding; `requested`: what the prompt asks for; `rating` and `rated` for a fit. */
function levelColumns({ prompts, actions }: BanditSpec, seed: number, column: (value: (prompt: number, action: number) => number) => { width: number; values: Float32Array }): Dataset['units'] {
  const embeddings = new Draw(seed, STREAM.embedding);
  const direction = new Draw(seed, STREAM.direction).unit(EMBEDDING_WIDTH, 0);
  const vectors = Array.from({ length: actions }, (_, action) => embeddings.normals(EMBEDDING_WIDTH, action));
  const levels = vectors.map((vector) => Math.min(LEVEL_MAX, Math.max(0, LEVEL_MAX / 2 + dot(direction, vector))));
  const embedding = new Float32Array(prompts * actions * EMBEDDING_WIDTH);
  for (let row = 0; row < prompts * actions; row++) embedding.set(vectors[row % actions] as Float32Array, row * EMBEDDING_WIDTH);
  const level = column((_prompt, action) => levels[action] as number);
  return {
    embedding: { width: EMBEDDING_WIDTH, values: embedding },
    level,
    // A copy: two columns of one array do not make a readable stream.
    rating: { width: 1, values: level.values.slice() },
    rated: column(() => 1),
    requested: column((prompt) => (prompts === 1 ? LEVEL_MAX : (LEVEL_MAX * prompt) / (prompts - 1))),
  };
}

/** Every pair of answers of a prompt once for each objective that is asked, with exact Bradley-Terry probabilities. */
function pairsOfAnswers({ prompts, actions, objectives, labels }: BanditSpec, rewards: readonly Float32Array[]): Dataset['pairs'] {
  const asked = labels === 'each-objective' ? objectives : 1;
  const first: number[] = [];
  const second: number[] = [];
  const label: number[] = [];
  const objectiveOf: number[] = [];
  for (let prompt = 0; prompt < prompts; prompt++)
    for (let a = 0; a < actions; a++)
      for (let b = a + 1; b < actions; b++)
        for (let objective = 0; objective < asked; objective++) {
          const [rowA, rowB] = [prompt * actions + a, prompt * actions + b];
          const differences = rewards.map((reward) => (reward[rowA] as number) - (reward[rowB] as number));
          const difference = labels === 'weighted' ? differences.reduce((sum, one) => sum + one, 0) : (differences[objective] as number);
          first.push(rowA);
          second.push(rowB);
          label.push(sigmoid(difference));
          objectiveOf.push(objective);
        }
  return { count: first.length, first: Int32Array.from(first), second: Int32Array.from(second), label: Float32Array.from(label), columns: { objective: Float32Array.from(objectiveOf) } };
}

export function logSoftmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const norm = highest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
  return logits.map((logit) => logit - norm);
}
