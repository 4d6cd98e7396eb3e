/** The form of most rules: a part of a text is looked at, and compared with what a unit says is right. */
import { missing, eachUnit, type CompiledRule, type Verdict } from './rule.js';
import { picker } from './patterns.js';
import { readingOf, type UnitView } from './unit-view.js';

interface Read {
  readonly of: string;
  readonly pick: string | null;
}

/** JSON as a text: texts as they are. */
export const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** @param unmet value where nothing is picked */
export function textRule({ of, pick }: Read, valueOf: (text: string) => Verdict, unmet = 0): CompiledRule {
  const reading = readingOf(of);
  const part = picker(pick);
  return eachUnit({ textsOnly: true }, (unit) => {
    const value = unit.read(reading);
    if (value === undefined) return missing(of);
    const picked = part(asText(value));
    return picked === null ? unmet : valueOf(picked);
  });
}

export function comparingRule(spec: Read & { readonly against: string | { readonly value: unknown } }, compare: (text: string, right: unknown) => Verdict, unmet = 0): CompiledRule {
  const reading = readingOf(spec.of);
  const part = picker(spec.pick);
  const { against } = spec;
  const right = typeof against === 'string' ? readingOf(against) : null;
  const rightOf = (unit: UnitView): unknown => (right === null ? (against as { value: unknown }).value : unit.read(right));
  return eachUnit({ textsOnly: true }, (unit) => {
    const value = unit.read(reading);
    if (value === undefined) return missing(spec.of);
    const wanted = rightOf(unit);
    if (wanted === undefined) return missing(String(right?.path));
    const picked = part(asText(value));
    return picked === null ? unmet : compare(picked, wanted);
  });
}
