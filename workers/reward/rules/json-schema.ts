/** Rule `json-schema`: whether a text is JSON that a schema admits. */
import { Validator } from '@cfworker/json-schema';
import { LaurelError } from '../../../proto/errors.js';
import type { RuleSpecOf } from '../../../proto/reward-rules.js';
import { jsonOf } from './parses.js';
import { textRule } from './text-rule.js';

/** @throws LaurelError LAUREL_PROGRAM_INVALID where the schema refers to what is not in it */
export function jsonSchemaRule(spec: RuleSpecOf<'json-schema'>) {
  const validator = new Validator(spec.schema, '2020-12', true);
  try {
    validator.validate(null);
  } catch (cause) {
    throw new LaurelError('LAUREL_PROGRAM_INVALID', `expected a JSON Schema that can be used, got: ${(cause as Error).message}`, {}, { cause });
  }
  return textRule(spec, (text) => {
    const json = jsonOf(text);
    return json !== undefined && validator.validate(json.value).valid ? 1 : 0;
  });
}
