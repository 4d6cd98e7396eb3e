/** A mixture whose weights are a softmax (or the argmax) of logits, unit by unit: mixture-of-experts gating (as in ArmoRM, arXiv 2406.12845). */
import type { GateSpec } from '../../../proto/reward-combine.js';
import { levelOf } from '../units.js';
import { byElement, pointwise, type CombinatorContext, type NodeValue, type Operand } from './combinator.js';

/** Operands: what is chosen among, then the logits that are terms. */
export function gate(spec: GateSpec, operands: readonly Operand[], { units }: CombinatorContext): NodeValue {
  const count = spec.of.length;
  const [first] = operands as [Operand, ...Operand[]];
  const rows = levelOf(units, first.value.granularity).units;
  return byElement(operands, (columns) =>
    pointwise(columns, rows, (at) => {
      let term = count;
      const logits = spec.by.map((logit) => (typeof logit === 'number' ? logit : at(term++)));
      if (logits.some((logit) => logit === undefined)) return undefined;
      let value = 0;
      for (const [index, weight] of weightsOf(logits as number[], spec).entries()) {
        if (weight === 0) continue;
        const one = at(index);
        if (one === undefined) return undefined;
        value += weight * one;
      }
      return { value };
    }),
  );
}

/** On the simplex. */
function weightsOf(logits: readonly number[], { temperature, choose }: GateSpec): number[] {
  const most = Math.max(...logits);
  if (choose === 'argmax') return logits.map((_, index) => (index === logits.indexOf(most) ? 1 : 0));
  const powers = logits.map((logit) => Math.exp((logit - most) / temperature));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
