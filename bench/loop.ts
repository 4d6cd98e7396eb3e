/**
 * The collect-and-learn loop of a job in one process: the same environments, policy, rewards and learner, without
 * Temporal, Flight or a store. What the pipeline is measured against, and the quick way to try a job's settings.
 */
import { resolveJob } from '../proto/resolve.js';
import { readTables } from '../proto/flight/tables.js';
import type { LabelView } from '../workers/annotator/label-table.js';
import { assembleBatch, type SegmentBytes } from '../workers/learner/batch.js';
import { Network } from '../workers/learner/networks/network.js';
import { encodePolicy } from '../workers/learner/policy-artifact.js';
import type { TrainerState } from '../workers/learner/loss-session.js';
import { initialTrainerState, TrainStepper } from '../workers/learner/stepper.js';
import { RewardGraph } from '../workers/reward/graph.js';
import { segmentUnits } from '../workers/reward/segment-units.js';
import { encodeRewards } from '../workers/reward/reward-record.js';
import { createShardHost } from '../workers/rollout/create-shard-host.js';
import { environmentSpaces } from '../workers/rollout/environments/registry.js';
import { playRecipe } from '../workers/rollout/rollout-host.js';
import type { PlayedEvaluation } from '../workers/rollout/rollout-host.js';
import { actorCriticOf, networkPolicyOf } from '../proto/learning.js';
import { constantWeights } from '../proto/reward-combine.js';

export interface LoopOptions {
  /** Probability that a message is helpful, for sources of kind `model`; undefined: unknown. */
  readonly label?: (source: string, message: string) => number | undefined;
  readonly onVersion?: (version: number, transitions: number, metrics: Readonly<Record<string, number>>) => void;
  /** Play this many episodes with the last policy. */
  readonly evaluateEpisodes?: number;
}

export interface LoopResult {
  readonly transitions: number;
  readonly elapsedMs: number;
  readonly collectMs: number;
  readonly learnMs: number;
  readonly evaluation: PlayedEvaluation | null;
}

export async function runLoop(input: unknown, options: LoopOptions = {}): Promise<LoopResult> {
  const job = resolveJob(input);
  const spaces = await environmentSpaces(job.environment);
  const network = new Network(spaces, networkPolicyOf(job.policy));
  const { shards, environmentsPerShard, segmentSteps } = job.rollout;
  const { batchSegments, epochs } = job.learn;
  const stepper = await TrainStepper.create(network, actorCriticOf(job.learn), segmentSteps, batchSegments * environmentsPerShard);
  const graph = new RewardGraph(job);
  const labels = Object.fromEntries(Object.keys(job.sources).map((source) => [source, labelView((message) => options.label?.(source, message))]));
  const host = createShardHost();
  const recipe = playRecipe('loop', job);
  let state = initialTrainerState(network, job.seed);
  let version = 0;
  let transitions = 0;
  let collectMs = 0;
  let learnMs = 0;
  const seqs = new Array<number>(shards).fill(0);
  const target = job.stop.transitions ?? Infinity;
  const begun = performance.now();
  let shard = 0;
  while (transitions < target && version < (job.stop.versions ?? Infinity)) {
    const collectBegun = performance.now();
    const policy = policyBytes(network, state, version);
    const parts: SegmentBytes[] = [];
    for (let index = 0; index < batchSegments; index++) {
      await host.open({ recipe, shard, seq: seqs[shard] as number, policy });
      const { bytes } = await host.collect({ run: 'loop', shard });
      seqs[shard] = (seqs[shard] as number) + 1;
      shard = (shard + 1) % shards;
      parts.push({ segment: bytes, reward: rewardBytes(bytes, graph, labels, constantWeights(job.combine)) });
    }
    collectMs += performance.now() - collectBegun;
    const learnBegun = performance.now();
    const batch = assembleBatch(parts, network, segmentSteps, environmentsPerShard);
    let metrics: Record<string, number> = {};
    for (let epoch = 0; epoch < epochs; epoch++) ({ state, metrics } = await stepper.step(state, batch));
    learnMs += performance.now() - learnBegun;
    version += 1;
    transitions += batchSegments * environmentsPerShard * segmentSteps;
    options.onVersion?.(version, transitions, metrics);
  }
  const elapsedMs = performance.now() - begun;
  const episodes = options.evaluateEpisodes ?? 0;
  let evaluation: PlayedEvaluation | null = null;
  if (episodes > 0) {
    await host.beginEvaluation({ id: 1, recipe, policy: policyBytes(network, state, version), episodes, seed: job.evaluate.seed, environments: job.evaluate.environments });
    while (evaluation === null) evaluation = (await host.continueEvaluation(1)).played;
    await host.endEvaluation(1);
  }
  await host.close();
  await stepper.release();
  return { transitions, elapsedMs, collectMs, learnMs, evaluation };
}

function policyBytes(network: Network, state: TrainerState, version: number): { version: number; digest: string; bytes: Uint8Array } {
  const tensors = network.parameters.map(({ name, shape }) => ({ name, shape, data: state.parameters[name] as Float32Array }));
  return { version, digest: `loop-${version}`, bytes: encodePolicy(tensors, { run: 'loop', version }) };
}

function rewardBytes(segment: Uint8Array, graph: RewardGraph, labels: Readonly<Record<string, LabelView>>, weights: Readonly<Record<string, number>>): Uint8Array {
  const columns = graph.evaluate(segmentUnits(readTables(segment)[0]!), Object.fromEntries(Object.entries(labels).map(([source, view]) => [source, { labels: view }])), weights);
  return encodeRewards(columns, { components: graph.components, segment: { key: 'loop', digest: 'loop' }, scoring: 'loop', labels: {}, models: {}, weights }).bytes;
}

function labelView(label: (message: string) => number | undefined): LabelView {
  const known = new Map<string, { probability: number; entry: number; human: boolean } | undefined>();
  const get = (text: Uint8Array | string): { probability: number; entry: number; human: boolean } | undefined => {
    const key = typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
    if (!known.has(key)) {
      const probability = label(key);
      known.set(key, probability === undefined ? undefined : { probability, entry: 0, human: false });
    }
    return known.get(key);
  };
  return { position: 1, labels: 0, get, byJudge: get, verdicts: () => [],
    failedAttempts: () => 0, ref: () => ({ annotator: 'loop', position: 1, labels: 0 }) };
}
