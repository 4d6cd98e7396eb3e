/** Rule `regex`: whether, how often, or with which number a pattern is found. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { LinearPattern } from './patterns.js';
import { textRule } from './text-rule.js';
import { numberIn } from './numbers-in-text.js';

export function regexRule(spec: RuleSpecOf<'regex'>) {
  const pattern = new LinearPattern(spec.pattern);
  switch (spec.gives) {
    case 'found':
      return textRule(spec, (text) => (pattern.test(text) ? 1 : 0));
    case 'count':
      return textRule(spec, (text) => pattern.captures(text).length);
    case 'number':
      return textRule(spec, (text) => {
        const found = pattern.capture(text);
        if (found === undefined) return 0;
        const number = numberIn(found);
        return number ?? { code: 'LAUREL_PROGRAM_FAILED', message: `expected a number where ${spec.pattern} matches, got ${JSON.stringify(found.slice(0, 100))}` };
      });
    default: {
      const never: never = spec.gives;
      throw new TypeError(`unknown value ${String(never)}`);
    }
  }
}
