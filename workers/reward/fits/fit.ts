/** What a fit is: something to optimise over rows of a table, and the files that it becomes. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { LaurelError } from '../../../proto/errors.js';
import { CounterRandom } from '../../../proto/philox.js';
import { Graph, type Tensor } from '../../learner/graph/graph.js';
import * as op from '../../learner/graph/ops.js';
import type { Feeds, Loss, Objective } from '../../learner/loss-session.js';
import { dense, initialValues, Scope, type ParameterDefinition } from '../../learner/networks/scope.js';
import { gather, unitColumn, type Dataset, type UnitColumn } from '../../preference/dataset.js';

export type Parameters = Readonly<Record<string, Float32Array>>;

export interface Fit {
  readonly objective: Objective;
  /** Number of things that a batch is drawn from. */
  readonly rows: number;
  /** Values of the graph's inputs for these rows; `parameters` before the step. */
  feeds(rows: Int32Array, step: number, parameters: Parameters): Feeds;
  /** Parameters of step 0; default: those of the definitions, from the seed. */
  readonly initial?: Parameters;
  /** ONNX files by role. */
  files(parameters: Parameters): Record<string, Uint8Array>;
}

/** Scores [rows, width] of the units of a table. */
export interface Scores {
  readonly width: number;
  readonly values: Float32Array;
}

export interface FitContext {
  readonly data: Dataset;
  readonly seed: number;
  /** Scores of the table's units by another source. */
  readonly score: (source: string) => Promise<Scores>;
  /** Parameters of another fit, for those that start from one. */
  readonly parametersOf: (source: string) => Promise<Parameters>;
}

/** Units that a model file scores in one call: its shapes are fixed. */
export const MODEL_ROWS = 64;

/** What stands in a model file about its inputs and outputs (metadata `laurel.model`, JSON). */
export interface ModelFacts {
  readonly rows: number;
  /** Input name: column of the units, and its width. */
  readonly inputs: Readonly<Record<string, { readonly column: string; readonly width: number }>>;
  readonly outputs: Readonly<Record<string, { readonly width: number; readonly meaning: string }>>;
  /** What else a reader of the file must know. */
  readonly more: Readonly<Record<string, unknown>>;
}
export const MODEL_FACTS = 'laurel.model';

/** Parameters that a graph asks for. */
export function definitionsOf(build: (g: Graph, scope: Scope) => unknown): readonly ParameterDefinition[] {
  const g = new Graph('definition');
  const scope = new Scope(g);
  build(g, scope);
  return scope.definitions;
}

/** @param weightDecay of the squares of all matrices (biases are free) */
export function objectiveOf(build: (g: Graph, scope: Scope) => Loss, weightDecay = 0): Objective {
  const whole = (g: Graph, scope: Scope): Loss => {
    const { loss, metrics } = build(g, scope);
    if (weightDecay === 0) return { loss, metrics };
    const matrices = scope.definitions.filter(({ shape }) => shape.length > 1).map(({ name }) => scope.tensors.get(name) as Tensor);
    const squares = matrices.map((matrix) => op.reduceSum(g, op.square(g, matrix))).reduce((sum, one) => op.add(g, sum, one), g.scalar(0));
    return { loss: op.add(g, loss, op.mul(g, squares, g.scalar(weightDecay))), metrics };
  };
  return { parameters: definitionsOf(whole), build: whole };
}

export function initialParameters(definitions: readonly ParameterDefinition[], seed: number): Record<string, Float32Array> {
  return Object.fromEntries(definitions.map((definition, index) => [definition.name, initialValues(definition, new CounterRandom(seed, 'parameterInit'), index)]));
}

/** Hidden layers with tanh, then a linear one; `hidden` empty: linear. Gives the output and the last hidden layer (x itself where there is none). */
export function layers(scope: Scope, name: string, x: Tensor, hidden: readonly number[], outputs: number): { readonly output: Tensor; readonly representation: Tensor } {
  let at = x;
  hidden.forEach((width, index) => (at = op.tanh(scope.graph, dense(scope, `${name}.${index + 1}`, at, width, Math.SQRT2))));
  return { output: dense(scope, `${name}.out`, at, outputs, 1), representation: at };
}

/** A model file with its parameters inside. */
export function modelFile(parameters: Parameters, inputs: ModelFacts['inputs'], meanings: Readonly<Record<string, string>>, build: (scope: Scope, inputs: Readonly<Record<string, Tensor>>) => Readonly<Record<string, Tensor>>, more: ModelFacts['more'] = {}, rows = MODEL_ROWS): Uint8Array {
  const g = new Graph('reward-model');
  const tensors = Object.fromEntries(Object.entries(inputs).map(([name, { width }]) => [name, g.input(name, [rows, width])]));
  const outputs = build(new Scope(g, parameters), tensors);
  for (const [name, tensor] of Object.entries(outputs)) g.output(name, tensor);
  const facts: ModelFacts = { rows, inputs, outputs: Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, { width: shape[1] as number, meaning: meanings[name] ?? '' }])), more };
  return g.build({ metadata: { [MODEL_FACTS]: JSON.stringify(facts) }, doc: 'A model fitted by Laurel.' });
}

export function floats(values: Float32Array, shape: readonly number[]): OrtTensor {
  return new OrtTensor('float32', values, [...shape]);
}

/** Columns of both units of pairs as feeds `first.<name>` and `second.<name>`. */
export function pairFeeds(data: Dataset, columns: readonly string[], first: ArrayLike<number>, second: ArrayLike<number>): Record<string, OrtTensor> {
  return Object.fromEntries(
    columns.flatMap((name) => {
      const column = unitColumn(data, name);
      return [
        [`first.${name}`, floats(gather(column, first), [first.length, column.width])],
        [`second.${name}`, floats(gather(column, second), [second.length, column.width])],
      ];
    }),
  );
}

/** Values of an array at rows. */
export function at(values: ArrayLike<number>, rows: ArrayLike<number>): Int32Array {
  return Int32Array.from(rows, (row) => values[row] as number);
}
export function numbersAt(values: ArrayLike<number>, rows: ArrayLike<number>): Float32Array {
  return Float32Array.from(rows, (row) => values[row] as number);
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH where there is nothing to fit on */
export function someRows(count: number, what: string): number {
  if (count === 0) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected ${what} in the table of the fit, got none`);
  return count;
}

export function has(data: Dataset, name: string): UnitColumn | undefined {
  return data.units[name];
}
