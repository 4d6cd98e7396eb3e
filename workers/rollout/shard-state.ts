/** The live state of a shard: its environments, what they remember, and how far each episode is. */
import { CounterRandom } from '../../proto/philox.js';
import { createStepOutcome, type EnvironmentGroup, type EpisodeSeed, type StepOutcome } from './environments/environment.js';
import { EpisodeTrack } from './episode-track.js';
import type { GroupPolicy } from './policy/group-policy.js';

export interface ShardIdentity {
  readonly run: string;
  readonly shard: number;
  /** Seed of the job. */
  readonly seed: number;
  /** Steps of each environment in a segment. */
  readonly segmentSteps: number;
  /** Environments beside each other that play the same episodes; absent: 1. */
  readonly groupSize?: number;
}

export class ShardState {
  /** Sequence number of the next segment. */
  seq = 0;
  /** Episodes that could not be taken up again after a rebuild (environments that are not deterministic). */
  abandoned = 0;
  readonly episodes: readonly EpisodeTrack[];
  readonly outcome: StepOutcome;
  private readonly seeds: CounterRandom;

  constructor(
    readonly identity: ShardIdentity,
    readonly group: EnvironmentGroup,
    readonly inference: GroupPolicy,
  ) {
    const { spaces, size } = group;
    this.episodes = Array.from({ length: size }, () => new EpisodeTrack(spaces.action, spaces.rewards.length));
    this.outcome = createStepOutcome(spaces, size);
    this.seeds = new CounterRandom(identity.seed, 'episodeSeed');
  }

  /** Begins episode `episode` in environment `index`, without memory of the one before. */
  async beginEpisode(index: number, episode: number): Promise<void> {
    (this.episodes[index] as EpisodeTrack).begin(episode);
    this.inference.clearState(index);
    const started = this.group.reset(index, this.seedOf(index, episode));
    if (started !== undefined) await started;
  }

  async close(): Promise<void> {
    await this.group.close();
  }

  private seedOf(index: number, episode: number): EpisodeSeed {
    const words = this.seeds.at(this.identity.shard, Math.floor(index / (this.identity.groupSize ?? 1)), episode);
    return { high: words[0] as number, low: words[1] as number };
  }
}
