/** Sums over the episodes that end within one segment. */
import type { EpisodeSums } from '../../proto/references.js';
import type { Spaces } from './environments/environment.js';
import type { EpisodeTrack } from './episode-track.js';

export class EpisodeTotals {
  private count = 0;
  private failed = 0;
  private nondeterministic = 0;
  private lengthSum = 0;
  private readonly returnSums: Float64Array;
  private readonly statisticSums: Float64Array;

  constructor(spaces: Spaces) {
    this.returnSums = new Float64Array(spaces.rewards.length);
    this.statisticSums = new Float64Array(spaces.episodeStatistics.length);
  }

  /** `abandoned`: episodes that a rebuild before this segment could not take up again, counted as failed. */
  clear(abandoned: number): void {
    this.count = 0;
    this.failed = abandoned;
    this.nondeterministic = abandoned;
    this.lengthSum = 0;
    this.returnSums.fill(0);
    this.statisticSums.fill(0);
  }

  /** An episode that was terminated or truncated. */
  add(track: EpisodeTrack, statistics: Float32Array): void {
    this.count++;
    this.lengthSum += track.steps;
    for (let index = 0; index < this.returnSums.length; index++) this.returnSums[index] = (this.returnSums[index] as number) + (track.returns[index] as number);
    for (let index = 0; index < this.statisticSums.length; index++) this.statisticSums[index] = (this.statisticSums[index] as number) + (statistics[index] as number);
  }

  /** An episode whose environment failed: counted, in no mean. */
  addFailed(): void {
    this.failed++;
  }

  sums(): EpisodeSums {
    return { count: this.count, failed: this.failed, ...(this.nondeterministic > 0 && { nondeterministic: this.nondeterministic }), lengthSum: this.lengthSum, returnSums: Array.from(this.returnSums), statisticSums: Array.from(this.statisticSums) };
  }
}
