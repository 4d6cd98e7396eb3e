/** Rule `indicator`: whether a number lies between two bounds. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { eachUnit, missing, type CompiledRule } from './rule.js';
import { readingOf } from './unit-view.js';

const OF_LEVEL = ['observation', 'action', 'logprob', 'embedding'];

export function indicatorRule(spec: RuleSpecOf<'indicator'>): CompiledRule {
  const reading = readingOf(spec.number);
  const name = typeof reading.steps[0] === 'string' ? `${reading.root}.${reading.steps[0]}` : reading.root;
  const [from, to] = [spec.from ?? Number.NEGATIVE_INFINITY, spec.to ?? Number.POSITIVE_INFINITY];
  return eachUnit({ textsOnly: false, withoutText: true, ...(OF_LEVEL.includes(reading.root) ? { numbers: [name] } : {}) }, (unit) => {
    const number = unit.number(reading);
    return number === undefined ? missing(spec.number) : number >= from && number <= to ? 1 : 0;
  });
}
