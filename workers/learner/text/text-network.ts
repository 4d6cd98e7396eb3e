/** The transformer of a job, and the token table that its run has. */
import type { TextSpec } from '../../../proto/environments.js';
import { LaurelError } from '../../../proto/errors.js';
import type { Job } from '../../../proto/job.js';
import type { TransformerPolicySpec } from '../../../proto/learning.js';
import { TrainingPrompts } from '../../text/prompts.js';
import { textTask } from '../../text/tasks/registry.js';
import { makeTokens, type TokenTable } from '../../text/tokens.js';
import { transformerSpec } from '../transformer/specification.js';
import { Transformer } from '../transformer/transformer.js';

/** Lengths of batches, prompts and caches are multiples of this, so that few sessions serve all. */
export const LENGTH_STEP = 16;
/** Demonstrations that pairs of tokens are counted on. */
const COUNTED_TEXTS = 512;

/** @throws LaurelError LAUREL_JOB_INVALID */
export function textEnvironmentOf(job: Pick<Job, 'environment'>): TextSpec {
  if (job.environment.kind !== 'text') throw new LaurelError('LAUREL_JOB_INVALID', `expected an environment of kind text for a policy that writes texts, got ${job.environment.kind}`);
  return job.environment;
}

/** A pure function of the job. */
export function tokensOf(environment: TextSpec, policy: TransformerPolicySpec, seed: number): TokenTable {
  const task = textTask(environment.task);
  const prompts = new TrainingPrompts(task, seed);
  const texts = policy.tokens.kind === 'character' ? [] : Array.from({ length: COUNTED_TEXTS }, (_, number) => prompts.demonstration(number)).flatMap(({ prompt, completion }) => [prompt.text, completion]);
  return makeTokens(policy.tokens, task.alphabet, texts);
}

export function textTransformer(environment: TextSpec, policy: TransformerPolicySpec, tokens: TokenTable): Transformer {
  // A token stands for one character at least. Batches and caches are padded to whole steps.
  const context = Math.ceil((textTask(environment.task).promptCharactersMax + environment.completionTokensMax) / LENGTH_STEP) * LENGTH_STEP;
  return new Transformer(transformerSpec(policy.preset, tokens.tokens.length, context));
}
