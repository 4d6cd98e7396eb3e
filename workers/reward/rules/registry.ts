/** All rules. A new one is a file beside this one, its schema in proto/reward-rules.ts, and a line here. */
import type { RuleSpec } from '../../../proto/reward-rules.js';
import { exactRule } from './exact.js';
import { expressionRule } from './expression.js';
import { firstMatchRule } from './first-match.js';
import { indicatorRule } from './indicator.js';
import { iouRule } from './iou.js';
import { javascriptRule } from './javascript.js';
import { jsonSchemaRule } from './json-schema.js';
import { lengthRule } from './length.js';
import { f1Rule, jaccardRule } from './overlap.js';
import { parsesRule } from './parses.js';
import { regexRule } from './regex.js';
import type { CompiledRule } from './rule.js';

const rules: { readonly [Kind in RuleSpec['kind']]: (spec: Extract<RuleSpec, { kind: Kind }>) => CompiledRule } = {
  'first-match': firstMatchRule,
  regex: regexRule,
  parses: parsesRule,
  'json-schema': jsonSchemaRule,
  exact: exactRule,
  f1: f1Rule,
  jaccard: jaccardRule,
  iou: iouRule,
  indicator: indicatorRule,
  length: lengthRule,
  expression: expressionRule,
  javascript: javascriptRule,
};

/** @throws LaurelError LAUREL_PROGRAM_INVALID */
export function compileRule(spec: RuleSpec): CompiledRule {
  return (rules[spec.kind] as (spec: RuleSpec) => CompiledRule)(spec);
}
