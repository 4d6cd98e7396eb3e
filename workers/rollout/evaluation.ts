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
  private next = 0;

  /** `group` and `inference` are used from scratch and not closed. */
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

  /**
   * @param onEpisode called with the number of episodes that have ended.
   * @returns the episodes in the order of their numbers.
   */
  async play(onEpisode: (ended: number) => void = () => undefined, signal?: AbortSignal): Promise<readonly EvaluatedEpisode[]> {
    let active: number[] = [];
    for (let index = 0; index < this.group.size; index++) if (await this.begin(index)) active.push(index);
    while (active.length > 0) {
      signal?.throwIfAborted();
      const outputs = await this.inference.run();
      this.drawActions(outputs, active);
      this.inference.advance();
      const stepped = this.group.step(this.bounded, this.outcome, active);
      if (stepped !== undefined) await stepped;
      const idle: number[] = [];
      for (const index of active) {
        if (!this.takeOutcome(index)) continue;
        onEpisode(this.done.length);
        if (!(await this.begin(index))) idle.push(index);
      }
      if (idle.length > 0) active = active.filter((index) => !idle.includes(index));
    }
    return this.done.sort((a, b) => a.index - b.index);
  }

  /** Begins the next episode in environment `index`; false where all have begun. */
  private async begin(index: number): Promise<boolean> {
    if (this.next >= this.episodes) return false;
    const episode = this.next++;
    (this.tracks[index] as EpisodeTrack).begin(episode);
    this.inference.clearState(index);
    const words = this.random.at(episode, DRAW.seed);
    const started = this.group.reset(index, { high: words[0] as number, low: words[1] as number });
    if (started !== undefined) await started;
    return true;
  }

  private drawActions(outputs: PolicyOutputs, active: readonly number[]): void {
    for (const index of active) {
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
