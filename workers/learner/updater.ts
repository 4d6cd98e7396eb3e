/**
 * Makes policy versions. Version n+1 is a pure function of version n and its inputs, so a learner that lost its state
 * loads the newest checkpoint and repeats the logged updates, to the same bits.
 */
import { createHash } from 'node:crypto';
import type { CheckpointInput, PrepareRunInput, PrepareRunResult, UpdateBatch, UpdateInput, UpdateResult } from '../../proto/activities.js';
import type { EnvironmentSpec } from '../../proto/environments.js';
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import type { ArtifactRef, PolicyRef, UpdateRef } from '../../proto/references.js';
import { SCHEMA_VERSIONS } from '../../proto/schemas.js';
import type { Spaces } from '../rollout/environments/environment.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { canonicalJson, readJson, writeArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { assembleBatch } from './batch.js';
import { decodeCheckpoint, storeCheckpoint } from './checkpoint.js';
import { sizeOf } from './graph/graph.js';
import { Network } from './networks/network.js';
import { encodePolicy } from './policy-artifact.js';
import type { TrainerState } from './loss-session.js';
import { initialTrainerState, TrainStepper } from './stepper.js';
import { checkSameInputs, inputRef, updateRef, type UpdateRecord } from './update-record.js';

export interface UpdaterOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  /** Flight locations where this worker offers what it wrote. */
  readonly endpoints: readonly string[];
  readonly spacesOf: (environment: EnvironmentSpec) => Promise<Spaces>;
}

export interface UpdateWork {
  readonly signal?: AbortSignal;
  readonly onProgress?: (note: unknown) => void;
}

/** A run whose network is built; `live` is the newest state that is in memory. */
interface OpenRun {
  readonly job: Job;
  readonly network: Network;
  readonly stepper: TrainStepper;
  live: { readonly version: number; readonly state: TrainerState } | null;
}

/** Runs held open; each holds a session and three times the parameters. */
const RUNS_MAX = 4;

export class Updater {
  private readonly runs = new Map<string, OpenRun>();

  constructor(private readonly options: UpdaterOptions) {}

  /**
   * Writes the job and version 0. A second call with the same job changes nothing.
   * @throws LaurelError LAUREL_STORE_CONFLICT where the run id belongs to another job
   */
  async prepareRun({ run, job }: PrepareRunInput): Promise<PrepareRunResult> {
    const { store } = this.options;
    const spaces = await this.options.spacesOf(job.environment);
    const network = new Network(spaces, job.policy);
    const spec = await writeArtifact(store, layout.spec(run), Buffer.from(`${canonicalJson(job)}\n`), { schemaVersion: 1 });
    const state = initialTrainerState(network, job.seed);
    await storeCheckpoint(store, run, network, state, job, 0);
    return {
      spec,
      policy: await this.publish(run, network, state, 0),
      parameters: network.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      rewardNames: spaces.rewards,
      statisticNames: spaces.episodeStatistics,
    };
  }

  /**
   * Versions parent+1 .. parent+n from n batches. What an earlier attempt has recorded is not made again.
   * @throws LaurelError LAUREL_STORE_*, LAUREL_SCHEMA_MISMATCH, LAUREL_NUMBER_INVALID, LAUREL_INVARIANT_VIOLATED
   */
  async update(input: UpdateInput, work: UpdateWork = {}): Promise<Omit<UpdateResult, 'workerQueue' | 'updateMs'>> {
    const updates = await this.recorded(input);
    if (updates.length === input.batches.length) return { updates, replayed: 0 };
    const open = await this.open(input.run);
    const replayed = await this.advanceTo(open, input.run, input.parent + updates.length, input.checkpoint, work);
    for (const batch of input.batches.slice(updates.length)) {
      work.signal?.throwIfAborted();
      updates.push(await this.makeVersion(open, input, batch, work));
      work.onProgress?.({ version: updates[updates.length - 1]?.version });
    }
    return { updates, replayed };
  }

  /** The checkpoint of a version that has none yet. */
  async writeCheckpoint(input: CheckpointInput, work: UpdateWork = {}): Promise<UpdateRef | null> {
    const { run, version } = input;
    const open = await this.open(run);
    await this.advanceTo(open, run, version, input.checkpoint, work);
    await storeCheckpoint(this.options.store, run, open.network, (open.live as NonNullable<OpenRun['live']>).state, open.job, version);
    const key = layout.update(run, version);
    const record = await readJson<UpdateRecord>(this.options.store, key);
    return record ? updateRef({ ...record, checkpoint: true }, key, this.options.endpoints) : null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.runs.values()].map((run) => run.stepper.release()));
    this.runs.clear();
  }

  /** References of the first batches of a call that have their record. */
  private async recorded(input: UpdateInput): Promise<UpdateRef[]> {
    const found: UpdateRef[] = [];
    for (const batch of input.batches) {
      const key = layout.update(input.run, input.parent + found.length + 1);
      const record = await readJson<UpdateRecord>(this.options.store, key);
      if (!record) break;
      checkSameInputs(record, batch, key);
      found.push(updateRef(record, key, this.options.endpoints));
    }
    return found;
  }

  private async makeVersion(open: OpenRun, input: UpdateInput, batch: UpdateBatch, work: UpdateWork): Promise<UpdateRef> {
    const { store, endpoints } = this.options;
    const { run, checkpointsAt } = input;
    const { version: parent, state: before } = open.live as NonNullable<OpenRun['live']>;
    const version = parent + 1;
    const { state, metrics } = await this.step(open, before, batch, work);
    const isLast = version === input.parent + input.batches.length;
    const policy = isLast ? await this.publish(run, open.network, state, version) : null;
    const checkpoint = checkpointsAt.includes(version);
    if (checkpoint) await storeCheckpoint(store, run, open.network, state, open.job, version);
    const record: UpdateRecord = {
      version,
      parent,
      segments: batch.segments.map((segment) => ({ ...inputRef(segment), policyVersion: segment.policyVersion })),
      rewards: batch.rewards.map(inputRef),
      transitions: batch.segments.reduce((sum, segment) => sum + segment.rows, 0),
      lagMax: batch.segments.reduce((most, segment) => Math.max(most, parent - segment.policyVersion), 0),
      metrics,
      parametersDigest: parametersDigest(open.network, state),
      policy: policy && inputRef(policy.artifact),
      checkpoint,
    };
    const key = layout.update(run, version);
    await writeArtifact(store, key, Buffer.from(`${JSON.stringify(record)}\n`), { schemaVersion: 1 });
    open.live = { version, state };
    return updateRef(record, key, endpoints);
  }

  /** All passes over one batch. */
  private async step(open: OpenRun, before: TrainerState, batch: { readonly segments: readonly ReadableRef[]; readonly rewards: readonly ReadableRef[] }, work: UpdateWork): Promise<{ state: TrainerState; metrics: Record<string, number> }> {
    const { rollout, learn } = open.job;
    const read = (ref: ReadableRef): Promise<Uint8Array> => this.options.reader.read({ endpoints: [], ...ref }, work.signal);
    const parts = await Promise.all(batch.segments.map(async (segment, index) => ({ segment: await read(segment), reward: await read(batch.rewards[index] as ReadableRef) })));
    const arrays = assembleBatch(parts, open.network, rollout.segmentSteps, rollout.environmentsPerShard);
    let result = await open.stepper.step(before, arrays);
    for (let epoch = 1; epoch < learn.epochs; epoch++) result = await open.stepper.step(result.state, arrays);
    return result;
  }

  /** Brings the live state to `version`: from memory, else from a checkpoint, by repeating the updates between. */
  private async advanceTo(open: OpenRun, run: string, version: number, checkpoint: number, work: UpdateWork): Promise<number> {
    if (open.live === null || open.live.version > version || open.live.version < checkpoint) {
      const key = layout.checkpoint(run, checkpoint);
      const bytes = await this.options.store.get(key);
      if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected the checkpoint ${key}, found nothing; check that all workers see the same store`, { key });
      open.live = { version: checkpoint, state: decodeCheckpoint(open.network, bytes) };
    }
    let replayed = 0;
    while (open.live.version < version) {
      work.signal?.throwIfAborted();
      const next: number = open.live.version + 1;
      const key = layout.update(run, next);
      const record = await readJson<UpdateRecord>(this.options.store, key);
      if (!record) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} to get to version ${version}, found nothing`, { key });
      const { state } = await this.step(open, open.live.state, record, work);
      const digest = parametersDigest(open.network, state);
      if (digest !== record.parametersDigest) {
        throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected version ${next} made again to have ${record.parametersDigest}, got ${digest}; was it made on a machine that computes differently?`, { key, digest });
      }
      open.live = { version: next, state };
      replayed += 1;
      work.onProgress?.({ replayed });
    }
    return replayed;
  }

  private async publish(run: string, network: Network, state: TrainerState, version: number): Promise<PolicyRef> {
    const tensors = network.parameters.map(({ name, shape }) => ({ name, shape, data: state.parameters[name] as Float32Array }));
    const artifact = await writeArtifact(this.options.store, layout.policy(run, version), encodePolicy(tensors, { run, version }), {
      rows: tensors.length,
      schemaVersion: SCHEMA_VERSIONS.policy,
      endpoints: this.options.endpoints,
    });
    return { version, artifact };
  }

  private async open(run: string): Promise<OpenRun> {
    const known = this.runs.get(run);
    if (known) {
      this.runs.delete(run);
      this.runs.set(run, known);
      return known;
    }
    const key = layout.spec(run);
    const job = await readJson<Job>(this.options.store, key);
    if (!job) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; check that all workers see the same store`, { key });
    const network = new Network(await this.options.spacesOf(job.environment), job.policy);
    const stepper = await TrainStepper.create(network, job.learn, job.rollout.segmentSteps, job.learn.batchSegments * job.rollout.environmentsPerShard);
    const opened: OpenRun = { job, network, stepper, live: null };
    this.runs.set(run, opened);
    for (const [oldest, { stepper: unused }] of this.runs) {
      if (this.runs.size <= RUNS_MAX) break;
      this.runs.delete(oldest);
      await unused.release();
    }
    return opened;
  }
}

type ReadableRef = Pick<ArtifactRef, 'key' | 'digest' | 'bytes' | 'rows' | 'schemaVersion'> & { readonly endpoints?: readonly string[] };

export function parametersDigest(network: Network, state: TrainerState): string {
  const hash = createHash('sha256');
  for (const { name } of network.parameters) {
    const { buffer, byteOffset, byteLength } = state.parameters[name] as Float32Array;
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return `sha256:${hash.digest('hex')}`;
}
