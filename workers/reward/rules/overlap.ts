/** Rules `f1` and `jaccard`: shared tokens of two texts. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { asText, comparingRule } from './text-rule.js';
import { wordsOf } from './unit-view.js';

export type Tokens = 'words' | 'characters';

export const tokensOf = (text: string, tokens: Tokens): string[] => (tokens === 'words' ? wordsOf(text) : [...text]);

/** Harmonic mean of precision and recall over multisets. Both empty: 1; one empty: 0. */
export function tokenF1(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return a.length === b.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const token of b) left.set(token, (left.get(token) ?? 0) + 1);
  let shared = 0;
  for (const token of a) {
    const count = left.get(token) ?? 0;
    if (count === 0) continue;
    left.set(token, count - 1);
    shared += 1;
  }
  return (2 * shared) / (a.length + b.length);
}

/** Size of the intersection over that of the union, of sets. Both empty: 1. */
export function jaccardOf(a: readonly string[], b: readonly string[]): number {
  const [one, other] = [new Set(a), new Set(b)];
  const shared = [...one].filter((token) => other.has(token)).length;
  const union = one.size + other.size - shared;
  return union === 0 ? 1 : shared / union;
}

export function f1Rule(spec: RuleSpecOf<'f1'>) {
  return comparingRule(spec, (text, right) => tokenF1(tokensOf(text, spec.tokens), tokensOf(asText(right), spec.tokens)));
}

/** A list in the ground truth counts by the tokens of its elements. */
export function jaccardRule(spec: RuleSpecOf<'jaccard'>) {
  return comparingRule(spec, (text, right) => jaccardOf(tokensOf(text, spec.tokens), Array.isArray(right) ? right.flatMap((one) => tokensOf(asText(one), spec.tokens)) : tokensOf(asText(right), spec.tokens)));
}
