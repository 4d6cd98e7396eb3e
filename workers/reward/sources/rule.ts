/** Source `rule`: exact and regular-expression rules on the message that follows the action. Always known. */
import type { SourceSpec } from '../../../proto/reward-sources.js';
import { knownColumn } from '../reward-column.js';
import type { CompiledSource } from './source.js';

/** A transition without a message has nothing to judge: 0. The first rule that matches gives the value. */
export function compileRuleSource(spec: Extract<SourceSpec, { kind: 'rule' }>): CompiledSource {
  const rules = spec.rules.map(({ match, pattern, value }) => {
    const expression = match === 'regex' ? new RegExp(pattern) : null;
    return { value, matches: (text: string): boolean => (expression === null ? text === pattern : expression.test(text)) };
  });
  const valueOf = (text: string): number => rules.find((rule) => rule.matches(text))?.value ?? spec.otherwise;
  return {
    masked: false,
    evaluate({ units, textIndex, texts }) {
      const values = texts.map(valueOf);
      const column = knownColumn(units);
      for (let unit = 0; unit < units; unit++) {
        const index = textIndex[unit] as number;
        if (index >= 0) column.value[unit] = values[index] as number;
      }
      return column;
    },
  };
}
