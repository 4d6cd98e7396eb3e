/**
 * Plays texts: a segment is a number of prompts with a group of completions each. It depends on nothing before it, so a
 * shard needs no rebuilding: a segment is a pure function of (job, token table, shard, seq, policy).
 */
import { LaurelError } from '../../../proto/errors.js';
import { CounterRandom } from '../../../proto/philox.js';
import type { TransformerPolicySpec } from '../../../proto/learning.js';
import { decodePolicy } from '../../learner/policy-artifact.js';
import { textTransformer } from '../../learner/text/text-network.js';
import { encodeCompletions, type Completion } from '../../text/completions.js';
import { evaluationPrompt, TrainingPrompts } from '../../text/prompts.js';
import { textTask } from '../../text/tasks/registry.js';
import type { Prompt, TextTask } from '../../text/tasks/task.js';
import { TokenCoder } from '../../text/tokens.js';
import type { EvaluatedEpisode } from '../evaluation.js';
import type { PolicyBytes } from '../policy/group-policy.js';
import type { EvaluationProgress, MadeSegment, PlayEvaluationRequest, PlayRecipe, TextRecipe } from '../rollout-host.js';
import { readSegmentBody } from '../segment-boundary.js';
import type { EvaluationPlayer, SegmentPlayer } from '../segment-player.js';
import { Generator } from './generator.js';

/** Completions of prompts by one policy. */
class Writer {
  readonly task: TextTask;
  readonly coder: TokenCoder;
  private readonly generator: Generator;

  constructor(recipe: TextRecipe, policy: TransformerPolicySpec) {
    this.task = textTask(recipe.environment.task);
    this.coder = new TokenCoder(recipe.tokens);
    this.generator = new Generator(textTransformer(recipe.environment, policy, recipe.tokens), policy.temperature, recipe.environment.completionTokensMax);
  }

  use({ bytes }: PolicyBytes): void {
    this.generator.useParameters(Object.fromEntries(decodePolicy(bytes).map(({ name, data }) => [name, data])));
  }

  /** @param shard first word of the address of each draw; the number of the prompt and the sample are the others */
  async write(prompts: readonly { readonly prompt: Prompt; readonly group: number }[], samples: number, shard: number, random: CounterRandom): Promise<{ completions: Completion[]; stepMs: readonly number[] }> {
    const asked = prompts.flatMap(({ prompt, group }) => {
      const promptTokens = this.coder.encode(prompt.text);
      return Array.from({ length: samples }, (_, sample) => ({ prompt, group, sample, promptTokens }));
    });
    const { rows, stepMs } = await this.generator.write(
      asked.map(({ promptTokens, group, sample }) => ({ promptTokens, address: [shard, group, sample] as const })),
      random,
    );
    const completions = asked.map((one, index): Completion => {
      const { tokens, logProbs, ended } = rows[index] as (typeof rows)[number];
      const text = this.coder.decode(tokens);
      return { ...one, tokens, logProbs, ended, text, grades: this.task.grade(text, one.prompt.truth) };
    });
    return { completions, stepMs };
  }

  release(): Promise<void> {
    return this.generator.release();
  }
}

export class TextShard implements SegmentPlayer {
  seq = 0;
  private readonly writer: Writer;
  private readonly prompts: TrainingPrompts;
  private readonly random: CounterRandom;
  private policy: PolicyBytes | null = null;

  constructor(
    private readonly recipe: PlayRecipe,
    private readonly shard: number,
  ) {
    this.writer = writerOf(recipe);
    this.prompts = new TrainingPrompts(this.writer.task, recipe.seed);
    this.random = new CounterRandom(recipe.seed, 'tokenSampling');
  }

  async begin(): Promise<void> {
    this.seq = 0;
  }

  /** Nothing is replayed: only the place in the run is taken from the segment before. */
  async rebuild(previous: Uint8Array): Promise<number> {
    this.seq = readSegmentBody(previous).seq + 1;
    return 0;
  }

  usePolicy(policy: PolicyBytes): void {
    if (policy.digest === this.policy?.digest) return;
    this.writer.use(policy);
    this.policy = policy;
  }

  async collect(): Promise<MadeSegment> {
    const { policy, shard, recipe, seq } = this;
    if (policy === null) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected usePolicy before collect');
    const { environments, segmentSteps: groupSize } = recipe;
    const asked = Array.from({ length: environments }, (_, index) => seq * environments + index).map((group) => ({ prompt: this.prompts.of(shard, group), group }));
    const { completions, stepMs } = await this.writer.write(asked, groupSize, shard, this.random);
    const spaces = { rewards: this.writer.task.rewards, episodeStatistics: [] };
    const made = encodeCompletions(completions, { run: recipe.run, shard, seq, policyVersion: policy.version, environments, steps: groupSize, seed: recipe.seed, spaces });
    this.seq += 1;
    return { ...made, stepMs: Float64Array.from(stepMs) };
  }

  close(): Promise<void> {
    return this.writer.release();
  }
}

/** Held-out prompts with one completion each, sampled as in training. */
export class TextEvaluation implements EvaluationPlayer {
  private readonly writer: Writer;
  private readonly random: CounterRandom;
  private readonly done: EvaluatedEpisode[] = [];

  constructor(private readonly request: PlayEvaluationRequest) {
    this.writer = writerOf(request.recipe);
    this.random = new CounterRandom(request.seed, 'tokenSampling');
    this.writer.use(request.policy);
  }

  async play(): Promise<EvaluationProgress> {
    const { episodes, seed, environments } = this.request;
    const first = this.done.length;
    const numbers = Array.from({ length: Math.min(environments, episodes - first) }, (_, index) => first + index);
    const asked = numbers.map((group) => ({ prompt: evaluationPrompt(this.writer.task, seed, group), group }));
    const { completions } = await this.writer.write(asked, 1, EVALUATION_SHARD, this.random);
    for (const { prompt, group, tokens, ended, grades, text } of completions) {
      this.done.push({ tag: prompt.tag, index: group, ended: ended ? 'terminated' : 'truncated', length: tokens.length, returns: grades, statistics: [], distinctMessages: 1, messages: [[text, 1]] });
    }
    const over = this.done.length >= episodes;
    return { ended: this.done.length, played: over ? { episodes: this.done, rewards: this.writer.task.rewards, episodeStatistics: [] } : null };
  }

  close(): Promise<void> {
    return this.writer.release();
  }
}

/** Where the seeds of evaluation and training are equal, their draws still are not. */
const EVALUATION_SHARD = 0xffffffff;

function writerOf({ text, policy }: PlayRecipe): Writer {
  if (text === null || policy.kind !== 'transformer') throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected the recipe of a policy that writes texts');
  return new Writer(text, policy);
}
