/** The rules of a source of kind `rule`: what is checked of a unit, without asking anybody. */
import { z } from 'zod';
import { rewardExpressionFault } from './expression/check.js';
import { numberReadingSchema, patternFault, readingSchema } from './readings.js';
import { programRules } from './reward-programs.js';

const pattern = z.string().min(1).max(1000);
const read = {
  of: readingSchema.default('text').describe('What is looked at: `text` (the message after the action, or the completion), `prompt`, or a path into the ground truth (`truth.answer`).'),
  pick: pattern.nullable().default(null).describe('Regular expression (RE2) that picks a part of it: its first group, or the whole match. Where it does not match, the rule is not met (0). null: all of it.'),
};
const against = z
  .union([readingSchema, z.strictObject({ value: z.json().describe('Any JSON.') })])
  .default('truth')
  .describe('What it is compared with: a path, or `{"value": ...}`. Where a unit has none, its reward is unknown.');
const tokens = z.enum(['words', 'characters']).default('words').describe('What is counted; words are runs of letters and digits, in lower case.');

const firstMatch = z
  .strictObject({
    kind: z.literal('first-match'),
    ...read,
    rules: z
      .array(
        z.strictObject({
          match: z.enum(['exact', 'regex']).describe('exact: the whole text; regex: found anywhere in it.'),
          pattern: pattern.describe('The text or the regular expression.'),
          value: z.number().describe('Value of the reward.'),
        }),
      )
      .min(1)
      .max(1000)
      .describe('The first that matches gives the value.'),
    otherwise: z.number().default(0).describe('Value where none matches.'),
  })
  .describe('A list of texts and patterns, each with its value.');
const regex = z
  .strictObject({
    kind: z.literal('regex'),
    ...read,
    pattern: pattern.describe('Regular expression (RE2), found anywhere.'),
    gives: z.enum(['found', 'count', 'number']).default('found').describe('found: 1 or 0; count: how often, without overlap; number: the number that its first group (or the match) spells, 0 where it is not found.'),
  })
  .describe('A regular expression.');
const parses = z
  .strictObject({ kind: z.literal('parses'), ...read, as: z.enum(['json', 'json-object', 'number', 'integer']).default('json').describe('What the whole of it has to be.') })
  .describe('1 where the text can be parsed, else 0.');
const jsonSchemaRule = z
  .strictObject({ kind: z.literal('json-schema'), ...read, schema: z.record(z.string(), z.json()).describe('JSON Schema, draft 2020-12, without references to other files.') })
  .describe('1 where the text is JSON that the schema admits, else 0.');
const exact = z
  .strictObject({
    kind: z.literal('exact'),
    ...read,
    against,
    ignore: z.array(z.enum(['case', 'space', 'punctuation', 'articles'])).max(4).default([]).describe('What makes no difference: letter case, space at the ends and its amount, punctuation, the words a, an, the.'),
  })
  .describe('1 where both are the same text, else 0. JSON is compared by its values where the ground truth is no text.');
const f1 = z.strictObject({ kind: z.literal('f1'), ...read, against, tokens }).describe('Harmonic mean of precision and recall of the tokens, each as often as it stands there (SQuAD, arXiv 1606.05250). Both empty: 1.');
const jaccard = z.strictObject({ kind: z.literal('jaccard'), ...read, against, tokens }).describe('Shared distinct tokens over all distinct tokens. Both empty: 1.');
const iou = z
  .strictObject({
    kind: z.literal('iou'),
    ...read,
    against,
    form: z.enum(['xywh', 'xyxy', 'interval']).default('xywh').describe('What the first numbers of the text mean: corner and size, two corners, or the ends of an interval of real numbers.'),
    generalised: z.boolean().default(false).describe('Generalised IoU (arXiv 1902.09630), from above -1 to 1; boxes only.'),
  })
  .describe('Intersection over union of two boxes or intervals; 0 (generalised: -1) where the text does not say one.');
const indicator = z
  .strictObject({
    kind: z.literal('indicator'),
    number: numberReadingSchema.describe('`characters`, `words`, `count`, `position`, `env.<component>`, `observation.<tensor>[<index>]`, `action`, `logprob`, or a number in the ground truth.'),
    from: z.number().nullable().default(null).describe('Lower bound, itself included; null: none.'),
    to: z.number().nullable().default(null).describe('Upper bound, itself included; null: none.'),
  })
  .describe('1 where a number lies between two bounds, else 0.');
const length = z
  .strictObject({
    kind: z.literal('length'),
    ...read,
    in: tokens,
    target: z.int().min(1).max(1_000_000).describe('Length L* up to which nothing is taken off.'),
    weight: z.number().min(0).max(1000).default(1).describe('kappa.'),
  })
  .describe('-kappa max(0, (L - L*) / L*). Our own form of a length penalty.');

export const ruleSchema = z.discriminatedUnion('kind', [firstMatch, regex, parses, jsonSchemaRule, exact, f1, jaccard, iou, indicator, length, ...programRules]);
export type RuleSpec = z.output<typeof ruleSchema>;
export type RuleSpecOf<Kind extends RuleSpec['kind']> = Extract<RuleSpec, { kind: Kind }>;

/** Bounds of the values of a rule; null: they do not follow from it. */
export function ruleRange(rule: RuleSpec): readonly [number, number] | null {
  switch (rule.kind) {
    case 'first-match': {
      // A unit without a text is worth 0.
      const values = [0, rule.otherwise, ...rule.rules.map(({ value }) => value)];
      return [Math.min(...values), Math.max(...values)];
    }
    case 'regex':
      return rule.gives === 'found' ? [0, 1] : null;
    case 'iou':
      return rule.generalised ? [-1, 1] : [0, 1];
    case 'parses':
    case 'json-schema':
    case 'exact':
    case 'f1':
    case 'jaccard':
    case 'indicator':
      return [0, 1];
    case 'length':
    case 'expression':
    case 'javascript':
      return null;
    default: {
      const never: never = rule;
      throw new TypeError(`unknown rule ${JSON.stringify(never)}`);
    }
  }
}

/** What the JSON of a rule cannot say: patterns that must be understood, bounds in order. */
export function checkRule(rule: RuleSpec, path: string, say: (path: string, message: string) => void, texts: boolean): void {
  const expectPattern = (at: string, text: string): void => {
    const fault = patternFault(text);
    if (fault !== undefined) say(`${path}.${at}`, `expected a regular expression, got ${JSON.stringify(text)}: ${fault}`);
  };
  if ('pick' in rule && rule.pick !== null) expectPattern('pick', rule.pick);
  if (rule.kind === 'regex') expectPattern('pattern', rule.pattern);
  if (rule.kind === 'first-match') rule.rules.forEach((one, index) => one.match === 'regex' && expectPattern(`rules.${index}.pattern`, one.pattern));
  if (rule.kind === 'iou' && rule.generalised && rule.form === 'interval') say(`${path}.generalised`, 'expected false: generalised IoU is of boxes');
  if (rule.kind === 'indicator') {
    if (rule.from === null && rule.to === null) say(`${path}.from`, 'expected a bound: from, to, or both');
    if (rule.from !== null && rule.to !== null && rule.from > rule.to) say(`${path}.to`, `expected at least ${rule.from}, the lower bound`);
  }
  if (rule.kind === 'expression') {
    const fault = rewardExpressionFault(rule.expression, texts);
    if (fault !== undefined) say(`${path}.expression`, fault);
  }
  if (!texts) {
    for (const field of ['of', 'against', 'number'] as const) {
      const reading = (rule as Record<string, unknown>)[field];
      if (typeof reading === 'string' && /^(prompt|reference|truth)/.test(reading)) say(`${path}.${field}`, `expected what an environment of actions has (text, numbers), got ${reading}: only an environment of kind text has prompts and ground truth; give {"value": ...}`);
    }
  }
}
