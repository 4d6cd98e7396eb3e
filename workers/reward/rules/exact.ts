/** Rule `exact`: whether two texts, or two JSON values, are the same. */
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { canonicalJson } from '../../store/artifacts.js';
import { jsonOf } from './parses.js';
import { comparingRule } from './text-rule.js';

export function exactRule(spec: RuleSpecOf<'exact'>) {
  const normalised = normaliser(spec.ignore);
  return comparingRule(spec, (text, right) => {
    if (typeof right === 'string') return normalised(text) === normalised(right) ? 1 : 0;
    const json = jsonOf(text);
    return json !== undefined && canonicalJson(json.value) === canonicalJson(right) ? 1 : 0;
  });
}

/** In this order: case, punctuation, articles, space. */
export function normaliser(ignore: readonly ('case' | 'space' | 'punctuation' | 'articles')[]): (text: string) => string {
  const ignores = new Set(ignore);
  return (text) => {
    let out = text;
    if (ignores.has('case')) out = out.toLowerCase();
    if (ignores.has('punctuation')) out = out.replace(/[\p{P}\p{S}]/gu, '');
    if (ignores.has('articles')) out = out.replace(/\b(a|an|the)\b/giu, ' ');
    if (ignores.has('space') || ignores.has('articles')) out = out.replace(/\s+/gu, ' ').trim();
    return out;
  };
}
