/** All combinators. A new one is a file beside this one, its schema in proto/reward-combine.ts, its type in proto/reward-types.ts, and a line here. */
import type { CombineSpec } from '../../../proto/reward-combine.js';
import { assign } from './assign.js';
import { cascade } from './cascade.js';
import type { CombinatorContext, NodeValue, Operand } from './combinator.js';
import { ensemble } from './ensemble.js';
import { gate } from './gate.js';
import { lagrangian } from './lagrangian.js';
import { linear } from './linear.js';
import { nonlinear } from './nonlinear.js';
import { vector } from './vector.js';

export function combine(spec: CombineSpec, operands: readonly Operand[], context: CombinatorContext): NodeValue {
  switch (spec.op) {
    case 'linear':
      return linear(spec, operands, context);
    case 'gate':
      return gate(spec, operands, context);
    case 'lagrangian':
      return lagrangian(spec, operands, context);
    case 'nonlinear':
      return nonlinear(spec, operands, context);
    case 'cascade':
      return cascade(spec, operands, context);
    case 'vector':
      return vector(spec, operands);
    case 'ensemble':
      return ensemble(spec, operands, context);
    case 'assign':
      return assign(spec, operands, context);
    default: {
      const never: never = spec;
      throw new TypeError(`unknown combinator ${JSON.stringify(never)}`);
    }
  }
}
