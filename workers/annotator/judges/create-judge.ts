/** From the description of a judge in a job to a judge. */
import { LaurelError } from '../../../proto/errors.js';
import type { AnnotatorSpec, EmbeddedJudgeSpec, JudgeSpec } from '../../../proto/judges.js';
import type { JudgeSource } from '../../../proto/reward-judge.js';
import type { JudgePrompt } from '../prompts/list-prompt.js';
import type { Prompt } from '../prompts/prompt-template.js';
import { CommandJudge } from './command-judge.js';
import { EmbeddedJudge } from './embedded-judge.js';
import type { Judge } from './judge.js';
import { modelFileDigest } from './model-file.js';
import { OpenAiJudge } from './openai-judge.js';
import { PanelJudge } from './panel-judge.js';
import { ScriptedJudge } from './scripted-judge.js';
import { SwappedJudge, TURNED_LIST, TURNED_PAIR } from './swapped-judge.js';

/** What a judge needs of the machine that it runs on. */
export interface JudgeResources {
  /** Path of the GGUF file of a model; fetches it where it must be fetched. @throws LaurelError LAUREL_ASSET_MISSING, LAUREL_ASSET_CORRUPT */
  modelPath(model: EmbeddedJudgeSpec['model']): Promise<string>;
  /** Value of an environment variable that a job names for a secret. */
  secret(name: string): string | undefined;
}

/** The judge of an annotator, asked in both orders where the job says so. @throws as createJudge */
export async function judgeOf(annotator: AnnotatorSpec, prompt: Prompt, resources: JudgeResources): Promise<Judge> {
  const judge = await createJudge(annotator.judge, prompt, resources);
  return annotator.mode === 'pairwise' && annotator.pairs.swap ? new SwappedJudge(judge, TURNED_PAIR) : judge;
}

/** The judge of a source `judge`, asked in both orders where the job says so. @throws as createJudge */
export async function sourceJudgeOf({ judge: spec, mode, swap }: JudgeSource, prompt: JudgePrompt, resources: JudgeResources): Promise<Judge> {
  const judge = await createJudge(spec, prompt, resources);
  return !swap || mode === 'pointwise' ? judge : new SwappedJudge(judge, mode === 'pairwise' ? TURNED_PAIR : TURNED_LIST);
}

/**
 * Makes a judge; its model is loaded at the first question, its `material` is known at once.
 * @throws LaurelError LAUREL_SECRET_MISSING, LAUREL_ASSET_MISSING, LAUREL_ASSET_CORRUPT, LAUREL_JOB_INVALID, LAUREL_JUDGE_UNSUITED
 */
export async function createJudge(spec: JudgeSpec, prompt: JudgePrompt, resources: JudgeResources): Promise<Judge> {
  switch (spec.kind) {
    case 'embedded': {
      if (prompt.mode === 'listwise') throw new LaurelError('LAUREL_JUDGE_UNSUITED', 'expected a judge that writes a score for each text of a list (openai with chat, command, scripted), got embedded; use another judge, or another mode');
      const modelPath = await resources.modelPath(spec.model);
      return new EmbeddedJudge({ spec, prompt, modelPath, modelDigest: await modelFileDigest(modelPath) });
    }
    case 'openai':
      return new OpenAiJudge(spec, prompt, spec.apiKey === undefined ? undefined : secretOf(spec.apiKey.env, resources));
    case 'command':
      return new CommandJudge(spec, prompt);
    case 'scripted':
      return new ScriptedJudge(spec, prompt.mode);
    case 'panel':
      return new PanelJudge(spec.rule, await Promise.all(spec.judges.map((member) => createJudge(member, prompt, resources))));
  }
}

function secretOf(name: string, resources: JudgeResources): string {
  const value = resources.secret(name);
  if (value === undefined || value.trim() === '') {
    throw new LaurelError('LAUREL_SECRET_MISSING', `expected the environment variable ${name} to hold the key of the judge, it is not set; set it where the annotator worker starts`, { name });
  }
  return value.trim();
}
