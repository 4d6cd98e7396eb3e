/**
 * Memory cells, unrolled over the steps of a sequence. Rows are time-major: row t * B + b is step t of sequence b.
 * `keep` (f32 [T, B]) is 0 where an episode begins at that step, so that neither memory nor gradient crosses the border.
 */
import type { Graph, Tensor } from '../graph.js';
import { add, mul, sub } from './arithmetic.js';
import { sigmoid, tanh } from './activations.js';
import { linear } from './products.js';
import { concat, reshape, split, splitEvenly } from './shapes.js';

export interface Unrolled {
  /** [T*B, H]. */
  readonly outputs: Tensor;
  /** [B, S] after the last step. */
  readonly state: Tensor;
}

export interface CellInputs {
  /** Input times the input weights, plus bias: [T*B, 3H] (GRU) or [T*B, 4H] (LSTM). */
  readonly projected: Tensor;
  /** [H, 3H] or [H, 4H]. */
  readonly weight: Tensor;
  /** [3H] or [4H]; absent: none. */
  readonly bias?: Tensor;
  /** [B, S] before the first step; S is H (GRU) or 2H (LSTM: the output, then the cell). */
  readonly state: Tensor;
  /** Null: no episode begins within the sequence. */
  readonly keep: Tensor | null;
  readonly steps: number;
}

/**
 * GRU (Cho et al., arXiv 1406.1078), the reset gate applied after the matrix product as in cuDNN and PyTorch. Gates in
 * the order reset, update, candidate.
 */
export function gru(g: Graph, cell: CellInputs): Unrolled {
  const hidden = cell.weight.shape[0] as number;
  const sizes = [2 * hidden, hidden];
  return unroll(g, cell, (fromInput, before) => {
    const [gatesInput, candidateInput] = split(g, fromInput, 1, sizes) as [Tensor, Tensor];
    const [gatesState, candidateState] = split(g, linear(g, before, cell.weight, cell.bias), 1, sizes) as [Tensor, Tensor];
    const [reset, update] = splitEvenly(g, sigmoid(g, add(g, gatesInput, gatesState)), 1, 2) as [Tensor, Tensor];
    const candidate = tanh(g, add(g, candidateInput, mul(g, reset, candidateState)));
    const output = add(g, candidate, mul(g, update, sub(g, before, candidate)));
    return { output, state: output };
  });
}

/** LSTM (Hochreiter and Schmidhuber, 1997, with forget gates); gates in the order input, forget, candidate, output. */
export function lstm(g: Graph, cell: CellInputs): Unrolled {
  const hidden = cell.weight.shape[0] as number;
  return unroll(g, cell, (fromInput, before) => {
    const [outputBefore, cellBefore] = splitEvenly(g, before, 1, 2) as [Tensor, Tensor];
    const all = add(g, fromInput, linear(g, outputBefore, cell.weight, cell.bias));
    const [first, candidate, last] = split(g, all, 1, [2 * hidden, hidden, hidden]) as [Tensor, Tensor, Tensor];
    const [input, forget] = splitEvenly(g, sigmoid(g, first), 1, 2) as [Tensor, Tensor];
    const next = add(g, mul(g, forget, cellBefore), mul(g, input, tanh(g, candidate)));
    const output = mul(g, sigmoid(g, last), tanh(g, next));
    return { output, state: concat(g, [output, next], 1) };
  });
}

function unroll(g: Graph, { projected, state, keep, steps }: CellInputs, advance: (fromInput: Tensor, before: Tensor) => { readonly output: Tensor; readonly state: Tensor }): Unrolled {
  const batch = state.shape[0] as number;
  const inputs = splitEvenly(g, projected, 0, steps);
  const masks = keep === null ? null : splitEvenly(g, reshape(g, keep, [steps * batch, 1]), 0, steps);
  let carried = state;
  const outputs = inputs.map((fromInput, step) => {
    const advanced = advance(fromInput, masks === null ? carried : mul(g, carried, masks[step] as Tensor));
    carried = advanced.state;
    return advanced.output;
  });
  return { outputs: concat(g, outputs, 0), state: carried };
}
