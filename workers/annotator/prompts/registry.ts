/** Every prompt template; a new one is a file and a line here. */
import { LaurelError } from '../../../proto/errors.js';
import type { AnnotatorMode, AnnotatorSpec } from '../../../proto/judges.js';
import type { JudgeSource } from '../../../proto/reward-judge.js';
import { gridV1 } from './grid-v1.js';
import { gridV2 } from './grid-v2.js';
import { helpfulV1 } from './helpful-v1.js';
import { helpfulV2 } from './helpful-v2.js';
import { helpfulV3 } from './helpful-v3.js';
import { preferredV1 } from './preferred-v1.js';
import { ListPrompt, type JudgePrompt, type ListTemplate } from './list-prompt.js';
import { principleListV1 } from './principle-list-v1.js';
import { principlePairsV1, principleV1 } from './principle-v1.js';
import { Prompt } from './prompt-template.js';
import type { PromptTemplate } from './prompt-template.js';

export const PROMPT_TEMPLATES: readonly PromptTemplate[] = [helpfulV1, gridV1, gridV2, helpfulV2, helpfulV3, preferredV1, principleV1, principlePairsV1];
export const LIST_TEMPLATES: readonly ListTemplate[] = [principleListV1];

/** Of jobs that were resolved before the default was written into them: their labels belong to these prompts. */
const UNNAMED: Readonly<Record<AnnotatorMode, string>> = { pointwise: helpfulV1.name, pairwise: preferredV1.name };

export type PromptSpec = { readonly prompt: AnnotatorSpec['prompt'] | null } & Pick<AnnotatorSpec, 'goal'> & Partial<Pick<AnnotatorSpec, 'mode' | 'pairs' | 'reasoning'>> & { readonly examples?: AnnotatorSpec['examples'] | undefined };

/** The prompt of an annotator. @throws LaurelError LAUREL_JOB_INVALID where no template of its mode has that name */
export function promptOf(spec: PromptSpec): Prompt {
  const mode = spec.mode ?? 'pointwise';
  const name = spec.prompt ?? UNNAMED[mode];
  const template = PROMPT_TEMPLATES.find((one) => one.name === name && one.mode === mode);
  if (template === undefined) throw unknownPrompt('annotator.prompt', name, mode, PROMPT_TEMPLATES);
  return new Prompt(template, spec.goal, mode === 'pairwise' ? spec.pairs?.examples : spec.examples, spec.reasoning === true);
}

/** Of the source `judge`, where the job names none. */
const JUDGING = { pointwise: principleV1.name, pairwise: principlePairsV1.name, listwise: principleListV1.name } as const;

/** The prompt of a source `judge`. @throws as promptOf */
export function judgePromptOf({ mode, principle: goal, prompt }: Pick<JudgeSource, 'mode' | 'principle' | 'prompt'>): JudgePrompt {
  const name = prompt ?? JUDGING[mode];
  if (mode !== 'listwise') return promptOf({ mode, goal, prompt: name });
  const template = LIST_TEMPLATES.find((one) => one.name === name);
  if (template === undefined) throw unknownPrompt('prompt', name, mode, LIST_TEMPLATES);
  return new ListPrompt(template, goal);
}

function unknownPrompt(field: string, prompt: string, mode: string, templates: readonly (PromptTemplate | ListTemplate)[]): LaurelError {
  const known = templates.filter((one) => one.mode === mode).map((one) => one.name);
  return new LaurelError('LAUREL_JOB_INVALID', `expected ${field} to be one of ${known.join(', ')} (mode ${mode}), got ${prompt}; choose one of them`, { prompt, mode });
}
