/** Live shards and evaluations in this very thread. */
import { LaurelError } from '../../proto/errors.js';
import type { EnvironmentSpec } from '../../proto/environments.js';
import { ShardCollector } from './collector.js';
import type { EnvironmentGroup } from './environments/environment.js';
import { Evaluator } from './evaluation.js';
import type { PolicyProvider, SharedPolicy } from './policy/group-policy.js';
import type { EvaluationProgress, MadeSegment, OpenShardReply, OpenShardRequest, PlayEvaluationRequest, PlayRecipe, RolloutHost, ShardName } from './rollout-host.js';
import { readBoundary } from './segment-boundary.js';
import { ShardState } from './shard-state.js';

/** Shards kept live at most, unless more are in use at one time. A NetHack shard holds one library for each environment. */
const LIVE_SHARDS_MAX = 8;

/** Steps of an evaluation in one call: some tenths of a second, as long as a segment. */
const EVALUATION_STEPS = 64;

export interface ShardHostOptions {
  readonly policies: PolicyProvider;
  readonly createEnvironments: (spec: EnvironmentSpec, size: number) => Promise<EnvironmentGroup>;
  /** Default 8. */
  readonly liveShardsMax?: number;
}

interface LiveShard {
  readonly collector: ShardCollector;
  readonly shared: SharedPolicy;
  inUse: boolean;
}

interface RunningEvaluation {
  readonly group: EnvironmentGroup;
  readonly shared: SharedPolicy;
  readonly evaluator: Evaluator;
}

export class ShardHost implements RolloutHost {
  /** By run and shard, the one used last at the end. */
  private readonly live = new Map<string, LiveShard>();
  private readonly evaluations = new Map<number, RunningEvaluation>();

  constructor(private readonly options: ShardHostOptions) {}

  async open(request: OpenShardRequest): Promise<OpenShardReply> {
    const { recipe, shard, seq, policy, previous } = request;
    const name = { run: recipe.run, shard };
    const found = this.live.get(keyOf(name));
    if (!(found && found.collector.state.seq === seq) && seq > 0 && previous === undefined) return { open: false, replayed: 0 };
    // Before anything is waited for: another call that makes room must not close it.
    if (found) found.inUse = true;
    else await this.makeRoom();
    const live = found ?? (await this.start(recipe, shard));
    this.live.delete(keyOf(name));
    this.live.set(keyOf(name), live);
    try {
      const { collector } = live;
      let replayed = 0;
      if (live !== found || collector.state.seq !== seq) {
        if (seq === 0) await collector.begin();
        else replayed = await collector.rebuild(readBoundary(previous as Uint8Array));
      }
      collector.usePolicy(live.shared.load(policy));
      return { open: true, replayed };
    } catch (error) {
      await this.drop(name);
      throw error;
    }
  }

  async collect(shard: ShardName): Promise<MadeSegment> {
    const live = this.live.get(keyOf(shard));
    if (!live) throw lost(`shard ${shard.shard} of run ${shard.run}`);
    try {
      return await live.collector.collect();
    } catch (error) {
      await this.drop(shard);
      throw error;
    }
  }

  async release(shard: ShardName): Promise<void> {
    const live = this.live.get(keyOf(shard));
    if (live) live.inUse = false;
  }

  async drop(shard: ShardName): Promise<void> {
    const live = this.live.get(keyOf(shard));
    this.live.delete(keyOf(shard));
    if (live) await closeShard(live);
  }

  async beginEvaluation(request: PlayEvaluationRequest): Promise<void> {
    const { id, recipe, policy, episodes, seed, environments } = request;
    const group = await this.options.createEnvironments(recipe.environment, Math.min(environments, episodes));
    const shared = await this.acquire(recipe, group);
    const inference = shared.bind(group);
    const evaluator = new Evaluator(group, inference, episodes, seed);
    this.evaluations.set(id, { group, shared, evaluator });
    try {
      inference.usePolicy(shared.load(policy));
      await evaluator.begin();
    } catch (error) {
      await this.endEvaluation(id);
      throw error;
    }
  }

  async continueEvaluation(id: number): Promise<EvaluationProgress> {
    const evaluation = this.evaluations.get(id);
    if (!evaluation) throw lost(`evaluation ${id}`);
    const { evaluator, group } = evaluation;
    const over = await evaluator.play(EVALUATION_STEPS);
    const { rewards, episodeStatistics } = group.spaces;
    return { ended: evaluator.ended.length, played: over ? { episodes: evaluator.ended, rewards, episodeStatistics } : null };
  }

  async endEvaluation(id: number): Promise<void> {
    const evaluation = this.evaluations.get(id);
    this.evaluations.delete(id);
    if (!evaluation) return;
    await evaluation.group.close();
    await evaluation.shared.release();
  }

  async close(): Promise<void> {
    const shards = [...this.live.values()];
    this.live.clear();
    for (const live of shards) await closeShard(live);
    for (const id of [...this.evaluations.keys()]) await this.endEvaluation(id);
  }

  private async start(recipe: PlayRecipe, shard: number): Promise<LiveShard> {
    const group = await this.options.createEnvironments(recipe.environment, recipe.environments);
    const shared = await this.acquire(recipe, group);
    const identity = { run: recipe.run, shard, seed: recipe.seed, segmentSteps: recipe.segmentSteps };
    return { collector: new ShardCollector(new ShardState(identity, group, shared.bind(group))), shared, inUse: true };
  }

  /** The network for a group, or the group is closed. */
  private async acquire(recipe: PlayRecipe, group: EnvironmentGroup): Promise<SharedPolicy> {
    try {
      return await this.options.policies.acquire(group.spaces, recipe.policy, group.size);
    } catch (error) {
      await group.close();
      throw error;
    }
  }

  /** Closes the shards used longest ago until one more has room. */
  private async makeRoom(): Promise<void> {
    const limit = this.options.liveShardsMax ?? LIVE_SHARDS_MAX;
    for (const [key, live] of [...this.live]) {
      if (this.live.size < limit) return;
      if (live.inUse) continue;
      this.live.delete(key);
      await closeShard(live);
    }
  }
}

/** A thread that died between two calls comes back empty; a retry rebuilds what is needed. */
function lost(what: string): LaurelError {
  return new LaurelError('LAUREL_WORKER_FAILED', `expected ${what} to be open here, it is not: the thread that held it has ended; repeat the call`);
}

function keyOf(shard: ShardName): string {
  return `${shard.run}/${shard.shard}`;
}

async function closeShard(live: LiveShard): Promise<void> {
  await live.collector.state.close();
  await live.shared.release();
}
