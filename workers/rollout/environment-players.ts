/** Players of environments that are stepped by actions. */
import { ShardCollector } from './collector.js';
import type { EnvironmentGroup } from './environments/environment.js';
import { Evaluator } from './evaluation.js';
import type { PolicyBytes, SharedPolicy } from './policy/group-policy.js';
import type { EvaluationProgress, MadeSegment } from './rollout-host.js';
import { readBoundary } from './segment-boundary.js';
import type { EvaluationPlayer, SegmentPlayer } from './segment-player.js';
import { ShardState, type ShardIdentity } from './shard-state.js';

/** Steps of an evaluation in one call: some tenths of a second, as long as a segment. */
const EVALUATION_STEPS = 64;

export class EnvironmentShard implements SegmentPlayer {
  private readonly collector: ShardCollector;

  constructor(
    identity: ShardIdentity,
    group: EnvironmentGroup,
    private readonly shared: SharedPolicy,
  ) {
    this.collector = new ShardCollector(new ShardState(identity, group, shared.bind(group)));
  }

  get seq(): number {
    return this.collector.state.seq;
  }

  begin(): Promise<void> {
    return this.collector.begin();
  }

  rebuild(previous: Uint8Array): Promise<number> {
    return this.collector.rebuild(readBoundary(previous));
  }

  usePolicy(policy: PolicyBytes): void {
    this.collector.usePolicy(this.shared.load(policy));
  }

  collect(): Promise<MadeSegment> {
    return this.collector.collect();
  }

  async close(): Promise<void> {
    await this.collector.state.close();
    await this.shared.release();
  }
}

export class EnvironmentEvaluation implements EvaluationPlayer {
  private constructor(
    private readonly group: EnvironmentGroup,
    private readonly shared: SharedPolicy,
    private readonly evaluator: Evaluator,
  ) {}

  /** Where it throws, group and policy are given back. */
  static async begin(group: EnvironmentGroup, shared: SharedPolicy, policy: PolicyBytes, episodes: number, seed: number): Promise<EnvironmentEvaluation> {
    const inference = shared.bind(group);
    const evaluation = new EnvironmentEvaluation(group, shared, new Evaluator(group, inference, episodes, seed));
    try {
      inference.usePolicy(shared.load(policy));
      await evaluation.evaluator.begin();
      return evaluation;
    } catch (error) {
      await evaluation.close();
      throw error;
    }
  }

  async play(): Promise<EvaluationProgress> {
    const { evaluator, group } = this;
    const over = await evaluator.play(EVALUATION_STEPS);
    const { rewards, episodeStatistics } = group.spaces;
    return { ended: evaluator.ended.length, played: over ? { episodes: evaluator.ended, rewards, episodeStatistics } : null };
  }

  async close(): Promise<void> {
    await this.group.close();
    await this.shared.release();
  }
}
