/** The parts of a transformer layer but attention. Rows are tokens: x is [rows, width]. */
import type { Tensor } from '../graph/graph.js';
import * as op from '../graph/ops.js';
import type { Scope } from '../networks/scope.js';
import type { TransformerSpec } from './specification.js';

/** Deviation of initial weights (Radford et al., GPT-2, 2019). */
export const WEIGHT_DEVIATION = 0.02;

export function normalise(scope: Scope, spec: TransformerSpec, name: string, x: Tensor): Tensor {
  const scale = scope.parameter(`${name}.scale`, [spec.width], { kind: 'ones' });
  if (spec.norm === 'rms') return op.rmsNorm(scope.graph, x, scale);
  return op.layerNorm(scope.graph, x, scale, scope.parameter(`${name}.bias`, [spec.width], { kind: 'zeros' }));
}

export function project(scope: Scope, spec: TransformerSpec, name: string, x: Tensor, outputs: number, deviation = WEIGHT_DEVIATION): Tensor {
  const weight = scope.parameter(`${name}.weight`, [x.shape[1] as number, outputs], { kind: 'normal', deviation });
  return op.linear(scope.graph, x, weight, spec.bias ? scope.parameter(`${name}.bias`, [outputs], { kind: 'zeros' }) : undefined);
}

/** Projections that add to the residual stream begin smaller the more of them there are (GPT-2). */
export function residualDeviation(spec: TransformerSpec): number {
  return WEIGHT_DEVIATION / Math.sqrt(2 * spec.layers);
}

/** GELU, or SwiGLU: a gate times a value, both from one projection in this order. */
export function feedForward(scope: Scope, spec: TransformerSpec, name: string, x: Tensor): Tensor {
  const g = scope.graph;
  if (spec.activation === 'gelu') return project(scope, spec, `${name}.output`, op.gelu(g, project(scope, spec, `${name}.input`, x, spec.feedForward)), spec.width, residualDeviation(spec));
  const [gate, value] = op.splitEvenly(g, project(scope, spec, `${name}.input`, x, 2 * spec.feedForward), 1, 2) as [Tensor, Tensor];
  return project(scope, spec, `${name}.output`, op.mul(g, op.silu(g, gate), value), spec.width, residualDeviation(spec));
}
