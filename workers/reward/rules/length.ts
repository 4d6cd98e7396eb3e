/** Rule `length`: what a text loses for being longer than it should be. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { tokensOf } from './overlap.js';
import { textRule } from './text-rule.js';

export function lengthRule(spec: RuleSpecOf<'length'>) {
  return textRule(spec, (text) => {
    const over = Math.max(0, (tokensOf(text, spec.in).length - spec.target) / spec.target);
    return over === 0 ? 0 : -spec.weight * over;
  });
}
