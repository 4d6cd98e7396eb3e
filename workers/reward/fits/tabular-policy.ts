/** A policy that is a table: a number for each answer of each prompt, added to the reference's logits. */
import type { Tensor } from '../../learner/graph/graph.js';
import { LaurelError } from '../../../proto/errors.js';
import * as op from '../../learner/graph/ops.js';
import type { Scope } from '../../learner/networks/scope.js';
import { listsOf, unitNumbers, type Dataset } from '../../preference/dataset.js';
import { modelFile, type Parameters } from './fit.js';

export interface PolicyTable {
  /** prompts x actions; unit row = prompt * actions + action. */
  readonly rows: number;
  readonly prompts: number;
  readonly actions: number;
  readonly logReference: Float32Array;
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH where the table does not hold every answer of every prompt, equally many of each */
export function tableOf(data: Dataset): PolicyTable {
  const lists = listsOf(data, 'a tabular policy');
  const prompts = lists.start.length;
  const actions = data.rows / prompts;
  if (!Number.isInteger(actions) || lists.start.some((start, prompt) => start !== prompt * actions || lists.size[prompt] !== actions)) {
    throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected equally many answers of each prompt, one list after the other, got ${data.rows} units in ${prompts} lists`);
  }
  return { rows: data.rows, prompts, actions, logReference: unitNumbers(data, 'logReference') };
}

/** log pi of every unit under every head: [rows, heads]. The parameters are what is added to the reference, so that zeros are the reference. */
export function tabularLogProbs(scope: Scope, { rows, prompts, actions, logReference }: PolicyTable, heads: number): Tensor {
  const g = scope.graph;
  const columns = Array.from({ length: heads }, (_, head) => {
    const added = scope.parameter(`policy.${head}`, [prompts, actions], { kind: 'zeros' });
    const logits = op.add(g, added, g.constant(logReference, [prompts, actions]));
    return op.reshape(g, op.logSoftmax(g, logits), [rows, 1]);
  });
  return columns.length === 1 ? (columns[0] as Tensor) : op.concat(g, columns, 1);
}

/** The input `prompt`, `action` (numbers) picks rows; heads are columns of the output. */
export function tabularFile(parameters: Parameters, table: PolicyTable, heads: number): Uint8Array {
  return modelFile(parameters, { prompt: { column: 'prompt', width: 1 }, action: { column: 'action', width: 1 } }, { score: 'log-probability of the answer, for each head' }, (scope, inputs) => {
    const g = scope.graph;
    const [prompt, action] = [inputs['prompt'] as Tensor, inputs['action'] as Tensor];
    const row = op.cast(g, op.add(g, op.mul(g, prompt, g.scalar(table.actions)), action), 'int64');
    const picked = op.embedding(g, tabularLogProbs(scope, table, heads), op.reshape(g, row, [prompt.shape[0] as number]));
    return { score: picked };
  });
}
