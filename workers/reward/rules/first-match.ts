/** Rule `first-match`: a list of texts and patterns, the first that matches gives the value. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { LinearPattern } from './patterns.js';
import { textRule } from './text-rule.js';

export function firstMatchRule(spec: RuleSpecOf<'first-match'>) {
  const rules = spec.rules.map(({ match, pattern, value }) => {
    const expression = match === 'regex' ? new LinearPattern(pattern) : null;
    return { value, matches: (text: string): boolean => (expression === null ? text === pattern : expression.test(text)) };
  });
  return textRule(spec, (text) => rules.find((rule) => rule.matches(text))?.value ?? spec.otherwise, spec.otherwise);
}
