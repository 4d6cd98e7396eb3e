/** Live shards and evaluations in this very thread. */
import { LaurelError } from '../../proto/errors.js';
import type { EnvironmentSpec } from '../../proto/environments.js';
import type { ShownMachines } from '../../proto/shown-machines.js';
import { networkPolicyOf } from '../../proto/learning.js';
import { EnvironmentEvaluation, EnvironmentShard } from './environment-players.js';
import type { EnvironmentGroup } from './environments/environment.js';
import type { PolicyProvider, SharedPolicy } from './policy/group-policy.js';
import type { EvaluationProgress, MadeSegment, OpenShardReply, OpenShardRequest, PlayEvaluationRequest, PlayRecipe, RolloutHost, ShardName } from './rollout-host.js';
import type { EvaluationPlayer, SegmentPlayer } from './segment-player.js';
import { TextEvaluation, TextShard } from './text/text-player.js';

/** Shards kept live at most, unless more are in use at one time. A NetHack shard holds one library for each environment. */
const LIVE_SHARDS_MAX = 8;

export interface ShardHostOptions {
  readonly policies: PolicyProvider;
  readonly createEnvironments: (spec: EnvironmentSpec, size: number, shows: ShownMachines) => Promise<EnvironmentGroup>;
  /** Default 8. */
  readonly liveShardsMax?: number;
}

interface LiveShard {
  readonly player: SegmentPlayer;
  inUse: boolean;
}

export class ShardHost implements RolloutHost {
  /** By run and shard, the one used last at the end. */
  private readonly live = new Map<string, LiveShard>();
  private readonly evaluations = new Map<number, EvaluationPlayer>();

  constructor(private readonly options: ShardHostOptions) {}

  async open(request: OpenShardRequest): Promise<OpenShardReply> {
    const { recipe, shard, seq, policy, previous } = request;
    const name = { run: recipe.run, shard };
    const found = this.live.get(keyOf(name));
    if (!(found && found.player.seq === seq) && seq > 0 && previous === undefined) return { open: false, replayed: 0 };
    // Before anything is waited for: another call that makes room must not close it.
    if (found) found.inUse = true;
    else await this.makeRoom();
    const live = found ?? (await this.start(recipe, shard));
    this.live.delete(keyOf(name));
    this.live.set(keyOf(name), live);
    try {
      const { player } = live;
      let replayed = 0;
      if (live !== found || player.seq !== seq) {
        if (seq === 0) await player.begin();
        else replayed = await player.rebuild(previous as Uint8Array);
      }
      player.usePolicy(policy);
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
      return await live.player.collect();
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
    await live?.player.close();
  }

  async beginEvaluation(request: PlayEvaluationRequest): Promise<void> {
    const { id, recipe, policy, episodes, seed, environments } = request;
    if (recipe.text !== null) {
      this.evaluations.set(id, new TextEvaluation(request));
      return;
    }
    const group = await this.options.createEnvironments(recipe.environment, Math.min(environments, episodes), recipe.shows);
    this.evaluations.set(id, await EnvironmentEvaluation.begin(group, await this.acquire(recipe, group), policy, episodes, seed));
  }

  async continueEvaluation(id: number): Promise<EvaluationProgress> {
    const evaluation = this.evaluations.get(id);
    if (!evaluation) throw lost(`evaluation ${id}`);
    return evaluation.play();
  }

  async endEvaluation(id: number): Promise<void> {
    const evaluation = this.evaluations.get(id);
    this.evaluations.delete(id);
    await evaluation?.close();
  }

  async close(): Promise<void> {
    const shards = [...this.live.values()];
    this.live.clear();
    for (const { player } of shards) await player.close();
    for (const id of [...this.evaluations.keys()]) await this.endEvaluation(id);
  }

  private async start(recipe: PlayRecipe, shard: number): Promise<LiveShard> {
    if (recipe.text !== null) return { player: new TextShard(recipe, shard), inUse: true };
    const group = await this.options.createEnvironments(recipe.environment, recipe.environments, recipe.shows);
    const shared = await this.acquire(recipe, group);
    const identity = { run: recipe.run, shard, seed: recipe.seed, segmentSteps: recipe.segmentSteps, groupSize: recipe.groupSize ?? 1 };
    return { player: new EnvironmentShard(identity, group, shared), inUse: true };
  }

  /** The network for a group, or the group is closed. */
  private async acquire(recipe: PlayRecipe, group: EnvironmentGroup): Promise<SharedPolicy> {
    try {
      return await this.options.policies.acquire(group.spaces, networkPolicyOf(recipe.policy), group.size);
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
      await live.player.close();
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
