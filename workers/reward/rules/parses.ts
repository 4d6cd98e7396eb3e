/** Rule `parses`: whether a text is what it should be. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { numberIn } from './numbers-in-text.js';
import { textRule } from './text-rule.js';

/** The JSON that a text spells; undefined: none. */
export function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

const READERS: Readonly<Record<RuleSpecOf<'parses'>['as'], (text: string) => boolean>> = {
  json: (text) => jsonOf(text) !== undefined,
  'json-object': (text) => {
    const value = jsonOf(text)?.value;
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  },
  number: (text) => numberIn(text) !== undefined,
  integer: (text) => Number.isInteger(numberIn(text)),
};

export function parsesRule(spec: RuleSpecOf<'parses'>) {
  const reads = READERS[spec.as];
  return textRule(spec, (text) => (reads(text) ? 1 : 0));
}
