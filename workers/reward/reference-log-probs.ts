/** Log-probabilities of completions under version 0 of their run, of each token as it was drawn. */
import type { Table } from 'apache-arrow';
import { LaurelError } from '../../proto/errors.js';
import { listColumn } from '../../proto/flight/tables.js';
import type { Job } from '../../proto/job.js';
import { transformerPolicyOf } from '../../proto/learning.js';
import { COMPLETION_COLUMNS as C } from '../../proto/schemas.js';
import { decodePolicy } from '../learner/policy-artifact.js';
import { textRows } from '../learner/text/text-batch.js';
import { textEnvironmentOf, textTransformer, tokensOf } from '../learner/text/text-network.js';
import { TextStepper } from '../learner/text/text-stepper.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';

export const REFERENCE_COLUMNS: readonly string[] = [C.promptTokens, C.completionTokens];

export class ReferenceLogProbs {
  private parameters: Promise<Readonly<Record<string, Float32Array>>> | undefined;
  private readonly stepper: TextStepper;

  constructor(
    private readonly store: ObjectStore,
    private readonly run: string,
    job: Job,
  ) {
    const environment = textEnvironmentOf(job);
    const policy = transformerPolicyOf(job.policy);
    const transformer = textTransformer(environment, policy, tokensOf(environment, policy, job.seed));
    // It only scores: what a step would be made of is never asked for.
    this.stepper = new TextStepper(transformer, policy.temperature, job.learn, () => {
      throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected no training in a reward worker');
    });
  }

  /**
   * Of the tokens of all rows, one after another. One row at a time: what a token scores must not depend, to the last bit, on
   * which others are asked with it.
   * @throws LaurelError LAUREL_STORE_MISSING
   */
  async of(table: Table, signal?: AbortSignal): Promise<Float32Array> {
    this.parameters ??= this.versionZero();
    this.parameters.catch(() => (this.parameters = undefined));
    const parameters = await this.parameters;
    const [prompts, completions] = [listColumn(table, C.promptTokens, Int32Array), listColumn(table, C.completionTokens, Int32Array)];
    const all = new Float32Array(completions.values.length);
    for (let row = 0; row < table.numRows; row++) {
      signal?.throwIfAborted();
      const [prompt, completion] = [prompts.at(row), completions.at(row)];
      const logProbs = await this.stepper.logProbs(parameters, textRows([{ prompt, completion }]));
      all.set(logProbs.subarray(prompt.length - 1, prompt.length - 1 + completion.length), completions.offsets[row] as number);
    }
    return all;
  }

  private async versionZero(): Promise<Readonly<Record<string, Float32Array>>> {
    const key = layout.policy(this.run, 0);
    const bytes = await this.store.get(key);
    if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; check that all workers see the same store`, { key });
    return Object.fromEntries(decodePolicy(bytes).map(({ name, data }) => [name, data]));
  }
}
