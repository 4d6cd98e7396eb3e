/**
 * Plays a policy on fixed seeds. Which episodes are played, from which seeds and with which draws, depends on the seed
 * of the evaluation alone, not on the number of environments; two versions are compared on the same episodes.
 */
import { CounterRandom } from '../../proto/philox.js';
import { createStepOutcome, type EnvironmentGroup, type StepOutcome } from './environments/environment.js';
import { EpisodeTrack } from './episode-track.js';
import type { GroupPolicy, PolicyOutputs } from './policy/group-policy.js';
import { boundActions, createActionBuffer, createActionSampler, type ActionSampler } from './policy/sampling.js';

/** An episode that its environment never ends is cut here. */
const EPISODE_STEPS_MAX = 1_000_000;
/** Distinct messages kept for one episode; more are only counted. */
const EPISODE_MESSAGES_MAX = 4_096;

/** Second word of a counter: what is drawn for an episode. */
const DRAW = { seed: 0, action: 1 } as const;

export interface EvaluatedEpisode {
  readonly index: number;
  readonly ended: 'terminated' | 'truncated' | 'failed';
  readonly length: number;
  /** One for each environment reward component. */
  readonly returns: readonly number[];
  /** One for each of `spaces.episodeStatistics`. */
  readonly statistics: readonly number[];
  readonly distinctMessages: number;
  /** Messages (raw bytes as latin-1) in the order in which they were first seen, with how often; at most 4,096. */
  readonly messages: readonly (readonly [text: string, count: number])[];
  /** Of the prompt. */
  readonly tag?: string | undefined;
}

/** Plays episodes 0 .. episodes - 1 to their ends, each with actions sampled from the policy. */
export class Evaluator {
  private readonly outcome: StepOutcome;
  private readonly tracks: readonly EpisodeTrack[];
  private readonly actions: Int32Array | Float32Array;
  private readonly bounded: Int32Array | Float32Array;
  private readonly random: CounterRandom;
  private readonly sampler: ActionSampler;
  private readonly done: EvaluatedEpisode[] = [];
  /** Environments whose episode runs. */
  private active: number[] = [];
  private next = 0;

  /** `group` is used from scratch and not closed; `inference` is bound to it and has its policy. */
  constructor(
    private readonly group: EnvironmentGroup,
    private readonly inference: GroupPolicy,
    private readonly episodes: number,
    seed: number,
  ) {
    const { spaces, size } = group;
    this.outcome = createStepOutcome(spaces, size);
    this.tracks = Array.from({ length: size }, () => new EpisodeTrack(spaces.action, spaces.rewards.length));
    this.actions = createActionBuffer(spaces.action, size);
    this.bounded = createActionBuffer(spaces.action, size);
    this.random = new CounterRandom(seed, 'evaluation');
    this.sampler = createActionSampler(spaces.action, new CounterRandom(seed, 'evaluation'), 'sample');
  }

  /** Episodes that have ended, in the order of their numbers once all have. */
  get ended(): readonly EvaluatedEpisode[] {
    return this.done;
  }

  /** Begins the first episodes. */
  async begin(): Promise<void> {
    for (let index = 0; index < this.group.size; index++) if (await this.beginEpisode(index)) this.active.push(index);
  }

  /**
   * Steps the environments whose episodes run, at most `steps` times.
   * @returns true when all episodes have ended.
   * @throws LaurelError LAUREL_NUMBER_INVALID, LAUREL_ENVIRONMENT_FAILED
   */
  async play(steps: number): Promise<boolean> {
    for (let step = 0; step < steps && this.active.length > 0; step++) {
      const outputs = await this.inference.run();
      this.drawActions(outputs);
      this.inference.advance();
      const stepped = this.group.step(this.bounded, this.outcome, this.active);
      if (stepped !== undefined) await stepped;
      const idle: number[] = [];
      for (const index of this.active) {
        if (this.takeOutcome(index) && !(await this.beginEpisode(index))) idle.push(index);
      }
      if (idle.length > 0) this.active = this.active.filter((index) => !idle.includes(index));
    }
    if (this.active.length > 0) return false;
    this.done.sort((a, b) => a.index - b.index);
    return true;
  }

  /** Begins the next episode in environment `index`; false where all have begun. */
  private async beginEpisode(index: number): Promise<boolean> {
    if (this.next >= this.episodes) return false;
    const episode = this.next++;
    (this.tracks[index] as EpisodeTrack).begin(episode);
    this.inference.clearState(index);
    const words = this.random.at(episode, DRAW.seed);
    const started = this.group.reset(index, { high: words[0] as number, low: words[1] as number });
    if (started !== undefined) await started;
    return true;
  }

  private drawActions(outputs: PolicyOutputs): void {
    for (const index of this.active) {
      const track = this.tracks[index] as EpisodeTrack;
      this.sampler.draw(outputs.distribution, index, track.episode, DRAW.action, track.steps, this.actions);
    }
    boundActions(this.group.spaces.action, this.actions, this.bounded);
  }

  /** Records what the step gave; true where the episode ended. */
  private takeOutcome(index: number): boolean {
    const { outcome } = this;
    const track = this.tracks[index] as EpisodeTrack;
    track.add(index, this.actions, outcome.rewards);
    const text = outcome.texts[index] as Uint8Array;
    if (text.length > 0) track.texts.add(text);
    const truncated = outcome.truncated[index] === 1 || track.steps >= EPISODE_STEPS_MAX;
    const ended = outcome.failed[index] === 1 ? 'failed' : outcome.terminated[index] === 1 ? 'terminated' : truncated ? 'truncated' : null;
    if (ended === null) return false;
    const messages: (readonly [string, number])[] = [];
    for (let entry = 0; entry < Math.min(track.texts.size, EPISODE_MESSAGES_MAX); entry++) {
      messages.push([Buffer.from(track.texts.text(entry)).toString('latin1'), track.texts.count(entry)]);
    }
    this.done.push({
      index: track.episode,
      ended,
      length: track.steps,
      returns: Array.from(track.returns),
      statistics: Array.from(this.group.statistics(index)),
      distinctMessages: track.texts.size,
      messages,
    });
    return true;
  }
}
