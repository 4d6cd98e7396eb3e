/** Every prompt template; a new one is a file and a line here. */
import { LaurelError } from '../../../proto/errors.js';
import type { AnnotatorSpec } from '../../../proto/judges.js';
import { gridV1 } from './grid-v1.js';
import { gridV2 } from './grid-v2.js';
import { helpfulV1 } from './helpful-v1.js';
import { Prompt } from './prompt-template.js';
import type { PromptTemplate } from './prompt-template.js';

export const PROMPT_TEMPLATES: readonly PromptTemplate[] = [helpfulV1, gridV1, gridV2];

/** The prompt of an annotator. @throws LaurelError LAUREL_JOB_INVALID where no template has that name */
export function promptOf(spec: Pick<AnnotatorSpec, 'prompt' | 'goal' | 'examples'>): Prompt {
  const template = PROMPT_TEMPLATES.find((one) => one.name === spec.prompt);
  if (template === undefined) {
    const known = PROMPT_TEMPLATES.map((one) => one.name).join(', ');
    throw new LaurelError('LAUREL_JOB_INVALID', `expected annotator.prompt to be one of ${known}, got ${spec.prompt}; choose one of them`, { prompt: spec.prompt });
  }
  return new Prompt(template, spec.goal, spec.examples);
}
