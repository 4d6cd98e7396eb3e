/** Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1) after a clip of the global gradient norm, as graph. */
import type { ActorCriticSpec } from '../../../proto/learning.js';
import type { Graph, Tensor } from './graph.js';
import * as op from './ops.js';

/** What Adam and the clip before it take from a job. */
export type AdamSpec = Pick<ActorCriticSpec, 'learningRate' | 'adamBeta1' | 'adamBeta2' | 'adamEpsilon' | 'gradientNormMax'>;

export interface AdamInputs {
  /** learningRate / (1 - beta1^t). */
  readonly stepSize: Tensor;
  /** 1 / sqrt(1 - beta2^t). */
  readonly secondScale: Tensor;
}

/** Norm of all gradients together, and the gradients scaled so that it is at most `max`. */
export function clipGlobalNorm(g: Graph, gradients: readonly Tensor[], max: number): { norm: Tensor; clipped: Tensor[] } {
  const squares = gradients.map((gradient) => op.reduceSum(g, op.mul(g, gradient, gradient)));
  const norm = op.sqrt(g, squares.reduce((sum, square) => op.add(g, sum, square)));
  const factor = op.minimum(g, g.scalar(1), op.div(g, g.scalar(max), op.add(g, norm, g.scalar(1e-6))));
  return { norm, clipped: gradients.map((gradient) => op.mul(g, gradient, factor)) };
}

export function adam(g: Graph, spec: AdamSpec, inputs: AdamInputs, parameter: Tensor, gradient: Tensor, first: Tensor, second: Tensor): { parameter: Tensor; first: Tensor; second: Tensor } {
  const mix = (moment: Tensor, sample: Tensor, beta: number): Tensor => op.add(g, op.mul(g, moment, g.scalar(beta)), op.mul(g, sample, g.scalar(1 - beta)));
  const m = mix(first, gradient, spec.adamBeta1);
  const v = mix(second, op.mul(g, gradient, gradient), spec.adamBeta2);
  const denominator = op.add(g, op.mul(g, op.sqrt(g, v), inputs.secondScale), g.scalar(spec.adamEpsilon));
  return { parameter: op.sub(g, g.stop(parameter), op.div(g, op.mul(g, m, inputs.stepSize), denominator)), first: m, second: v };
}
