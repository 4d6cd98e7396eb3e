/**
 * Plays one shard: environments stepped together by one policy session, a segment at a time. A segment is a pure
 * function of (job, shard, seq, policy, the segment before), so whoever makes it again makes the same bytes.
 *
 * The value of a successor state (`bootstrap_value`) is computed where the next row is not the successor: the last row
 * of each environment, and rows that were truncated, from the last observation before the reset. A row whose
 * environment failed ends its episode as truncated with bootstrap value 0: nothing is known of what would have followed.
 */
import { LaurelError } from '../../proto/errors.js';
import { CounterRandom } from '../../proto/philox.js';
import { EpisodeTotals } from './episode-totals.js';
import type { EpisodeTrack } from './episode-track.js';
import type { LoadedPolicy, PolicyOutputs } from './policy/group-policy.js';
import { boundActions, createActionBuffer, createActionSampler, type ActionSampler } from './policy/sampling.js';
import { beginShard, rebuildShard } from './replay.js';
import type { SegmentBoundary } from './segment-boundary.js';
import { SegmentBuffers } from './segment-buffers.js';
import type { MadeSegment } from './rollout-host.js';
import { encodeSegment } from './segment-encoding.js';
import type { ShardState } from './shard-state.js';

/** Time spent since the collector was made, in milliseconds. */
export interface StageTimes {
  inference: number;
  environment: number;
  /** Sampling, copying of rows, counting of texts. */
  record: number;
  encode: number;
}

export class ShardCollector {
  readonly stageMs: StageTimes = { inference: 0, environment: 0, record: 0, encode: 0 };
  private readonly buffers: SegmentBuffers;
  private readonly sampler: ActionSampler;
  private readonly totals: EpisodeTotals;
  private readonly actions: Int32Array | Float32Array;
  private readonly bounded: Int32Array | Float32Array;
  private readonly stateStart: Float32Array;
  private policy: LoadedPolicy | null = null;
  /** Outputs for the newest observations under the policy in use, where they are known already. */
  private ready: PolicyOutputs | null = null;

  /** `begin` or `rebuild`, then `usePolicy`, come before the first `collect`. */
  constructor(readonly state: ShardState) {
    const { group, identity, inference } = state;
    const { spaces, size } = group;
    this.buffers = new SegmentBuffers(spaces, group, identity.segmentSteps, inference.valueCount);
    this.sampler = createActionSampler(spaces.action, new CounterRandom(identity.seed, 'actionSampling'), 'sample');
    this.totals = new EpisodeTotals(spaces);
    this.actions = createActionBuffer(spaces.action, size);
    this.bounded = createActionBuffer(spaces.action, size);
    this.stateStart = new Float32Array(size * inference.stateSize);
  }

  /** Begins the shard at segment 0. @throws LaurelError LAUREL_ENVIRONMENT_FAILED */
  async begin(): Promise<void> {
    this.ready = null;
    await beginShard(this.state);
  }

  /**
   * Takes the shard up where a segment ended.
   * @returns transitions replayed.
   * @throws LaurelError LAUREL_ENVIRONMENT_NONDETERMINISTIC, LAUREL_ENVIRONMENT_FAILED
   */
  async rebuild(boundary: SegmentBoundary): Promise<number> {
    this.ready = null;
    return rebuildShard(this.state, boundary);
  }

  usePolicy(policy: LoadedPolicy): void {
    if (policy === this.policy) return;
    this.policy = policy;
    this.ready = null;
    this.state.inference.usePolicy(policy);
  }

  /**
   * Plays the next segment. Where it throws, the shard is at no defined place and must be closed.
   * @throws LaurelError LAUREL_NUMBER_INVALID, LAUREL_ENVIRONMENT_FAILED
   */
  async collect(): Promise<MadeSegment> {
    const { state, buffers, totals, policy } = this;
    if (policy === null) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected usePolicy before collect');
    const { segmentSteps } = state.identity;
    const stepMs = new Float64Array(segmentSteps);
    buffers.clear(policy.version);
    totals.clear(state.abandoned);
    this.stateStart.set(state.inference.state);
    for (let step = 0; step < segmentSteps; step++) {
      const started = performance.now();
      await this.playStep(step);
      stepMs[step] = performance.now() - started;
    }
    this.ready = await this.infer();
    this.putLastBootstraps(this.ready);
    const started = performance.now();
    const encoded = encodeSegment({ state, buffers, policyVersion: policy.version, episodes: totals.sums(), stateStart: this.stateStart });
    this.stageMs.encode += performance.now() - started;
    state.abandoned = 0;
    state.seq++;
    return { ...encoded, stepMs };
  }

  private async playStep(step: number): Promise<void> {
    const { group, outcome, identity, inference, seq } = this.state;
    const outputs = this.ready ?? (await this.infer());
    this.ready = null;
    let since = performance.now();
    this.buffers.putObservations(step);
    this.drawActions(outputs, step, seq * identity.segmentSteps + step);
    inference.advance();
    this.stageMs.record += performance.now() - since;

    since = performance.now();
    const stepped = group.step(this.bounded, outcome);
    if (stepped !== undefined) await stepped;
    this.stageMs.environment += performance.now() - since;

    // Before any reset, while the observations are still the last ones of the episodes that were cut.
    const cut = outcome.truncated.includes(1) ? (await this.infer()).value : null;
    since = performance.now();
    for (let index = 0; index < group.size; index++) this.putOutcome(index, step, cut);
    this.stageMs.record += performance.now() - since;

    since = performance.now();
    for (let index = 0; index < group.size; index++) {
      if (this.isDone(index)) await this.state.beginEpisode(index, this.track(index).episode + 1);
    }
    this.stageMs.environment += performance.now() - since;
  }

  /** `drawn`: number of this step in the life of the shard; the counter of the draws. */
  private drawActions(outputs: PolicyOutputs, step: number, drawn: number): void {
    const { group, identity } = this.state;
    for (let index = 0; index < group.size; index++) {
      const row = index * identity.segmentSteps + step;
      this.checkValues(outputs.value, index);
      this.buffers.putValues(this.buffers.value, row, outputs.value, index);
      this.buffers.behaviourLogProb[row] = this.sampler.draw(outputs.distribution, index, identity.shard, index, drawn, this.actions);
    }
    boundActions(group.spaces.action, this.actions, this.bounded);
  }

  private checkValues(values: Float32Array, index: number): void {
    const { valueCount } = this.buffers;
    for (let at = index * valueCount; at < (index + 1) * valueCount; at++) {
      if (!Number.isFinite(values[at])) throw new LaurelError('LAUREL_NUMBER_INVALID', `expected a finite value from policy version ${this.policy?.version}, got ${values[at]} for environment ${index}`);
    }
  }

  private putOutcome(index: number, step: number, cut: Float32Array | null): void {
    const { buffers } = this;
    const { group, outcome, identity } = this.state;
    const row = index * identity.segmentSteps + step;
    const track = this.track(index);
    buffers.episode[row] = track.episode;
    buffers.step[row] = track.steps;
    buffers.putOutcome(row, index, this.actions, outcome.rewards);
    track.add(index, this.actions, outcome.rewards);
    const text = outcome.texts[index] as Uint8Array;
    if (text.length > 0) buffers.putText(row, text, track.texts.add(text));

    const failed = outcome.failed[index] === 1;
    const terminated = !failed && outcome.terminated[index] === 1;
    const truncated = failed || (!terminated && outcome.truncated[index] === 1);
    buffers.terminated[row] = terminated ? 1 : 0;
    buffers.truncated[row] = truncated ? 1 : 0;
    if (truncated && !failed && cut !== null) buffers.putValues(buffers.bootstrapValue, row, cut, index);
    if (failed) this.totals.addFailed();
    else if (terminated || truncated) this.totals.add(track, group.statistics(index));
  }

  /** Rows whose episode goes on get the value of the observation that follows. */
  private putLastBootstraps(outputs: PolicyOutputs): void {
    const { segmentSteps } = this.state.identity;
    for (let index = 0; index < this.state.group.size; index++) {
      const row = (index + 1) * segmentSteps - 1;
      if (this.buffers.terminated[row] === 0 && this.buffers.truncated[row] === 0) this.buffers.putValues(this.buffers.bootstrapValue, row, outputs.value, index);
    }
  }

  private isDone(index: number): boolean {
    const { outcome } = this.state;
    return outcome.terminated[index] === 1 || outcome.truncated[index] === 1 || outcome.failed[index] === 1;
  }

  private track(index: number): EpisodeTrack {
    return this.state.episodes[index] as EpisodeTrack;
  }

  private async infer(): Promise<PolicyOutputs> {
    const since = performance.now();
    const outputs = await this.state.inference.run();
    this.stageMs.inference += performance.now() - since;
    return outputs;
  }
}
