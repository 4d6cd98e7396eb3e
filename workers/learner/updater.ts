/**
 * Makes policy versions. Version n+1 is a pure function of version n and its inputs, so a learner that lost its state
 * loads the newest checkpoint and repeats the logged updates, to the same bits.
 */
import { createHash } from 'node:crypto';
import type { CheckpointInput, PrepareRunInput, PrepareRunResult, UpdateBatch, UpdateInput, UpdateResult } from '../../proto/activities.js';
import type { EnvironmentSpec } from '../../proto/environments.js';
import { ERROR_TABLE, errorCodeOf, LaurelError } from '../../proto/errors.js';
import type { ShownMachines } from '../../proto/shown-machines.js';
import type { Job } from '../../proto/job.js';
import type { PolicyRef, UpdateRef } from '../../proto/references.js';
import { placeOf, type RestoreResult, type RestoreVersionInput } from '../../proto/restoration.js';
import { SCHEMA_VERSIONS } from '../../proto/schemas.js';
import type { Spaces } from '../rollout/environments/environment.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { canonicalJson, digestOf, readJson, writeArtifact, writeWhole } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import { cannotRestore, damageOf } from '../store/damage.js';
import type { ObjectStore } from '../store/object-store.js';
import type { SegmentBytes } from './batch.js';
import { checkpointFiles, decodeCheckpoint, storeCheckpoint } from './checkpoint.js';
import { sizeOf } from './graph/graph.js';
import { createTrainee } from './create-trainee.js';
import { decodePolicy, encodePolicy } from './policy-artifact.js';
import type { TrainerState } from './loss-session.js';
import { readAhead, readBatch } from './read-ahead.js';
import { WarmStarts } from './text/warm-start.js';
import type { Trainee } from './trainee.js';
import { checkSameInputs, inputRef, updateRef, type UpdateRecord } from './update-record.js';

export interface UpdaterOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  /** Flight locations where this worker offers what it wrote. */
  readonly endpoints: readonly string[];
  readonly spacesOf: (environment: EnvironmentSpec, shows: ShownMachines) => Promise<Spaces>;
}

export interface UpdateWork {
  readonly signal?: AbortSignal;
  readonly onProgress?: (note: unknown) => void;
}

/** A run whose policy is built; `live` is the newest state that is in memory. */
interface OpenRun {
  readonly trainee: Trainee;
  live: { readonly version: number; readonly state: TrainerState } | null;
}

/** Runs held open; each holds a session and three times the parameters. */
const RUNS_MAX = 4;

export class Updater {
  private readonly runs = new Map<string, OpenRun>();
  private readonly warmStarts = new WarmStarts();

  constructor(private readonly options: UpdaterOptions) {}

  /**
   * Writes the job and version 0. A second call with the same job changes nothing.
   * @throws LaurelError LAUREL_STORE_CONFLICT where the run id belongs to another job
   */
  async prepareRun({ run, job }: PrepareRunInput): Promise<PrepareRunResult> {
    const { store } = this.options;
    const trainee = await this.trainee(run, job);
    try {
      const spec = await writeArtifact(store, layout.spec(run), Buffer.from(`${canonicalJson(job)}\n`), { schemaVersion: 1 });
      for (const { key, bytes } of trainee.files) await writeArtifact(store, key, bytes, { schemaVersion: 1 });
      const state = await trainee.begin();
      await storeCheckpoint(store, run, trainee, state, 0);
      return {
        spec,
        policy: await this.publish(run, trainee, state, 0),
        parameters: trainee.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
        rewardNames: trainee.rewardNames,
        statisticNames: trainee.statisticNames,
      };
    } finally {
      await trainee.release();
    }
  }

  /**
   * Versions parent+1 .. parent+n from n batches. What an earlier attempt has recorded is not made again. Where a later
   * batch fails for good, or the worker must leave, there are fewer versions than batches: what is recorded is given back,
   * and the call for the others says why.
   * @throws LaurelError LAUREL_STORE_*, LAUREL_SCHEMA_MISMATCH, LAUREL_NUMBER_INVALID, LAUREL_INVARIANT_VIOLATED
   */
  async update(input: UpdateInput, work: UpdateWork = {}): Promise<Omit<UpdateResult, 'workerQueue' | 'updateMs'>> {
    const updates = await this.recorded(input);
    if (updates.length === input.batches.length || (input.recordedOnly === true && updates.length === 0)) return { updates, replayed: 0 };
    const open = await this.open(input.run);
    const replayed = await this.advanceTo(open, input.run, input.parent + updates.length, input.checkpoint, work);
    if (input.recordedOnly === true) return { updates: await this.lastPublished(open, input.run, updates), replayed };
    const parts = readAhead(this.options.reader, input.batches.slice(updates.length), work.signal);
    for (const batch of input.batches.slice(updates.length)) {
      try {
        work.signal?.throwIfAborted();
        updates.push(await this.makeVersion(open, input, batch, await parts()));
      } catch (error) {
        const damage = damageOf(error);
        // What may pass is tried again with the whole call: it leaves nothing that an undisturbed call does not.
        if (updates.length === 0 || (damage === null && work.signal?.aborted !== true && !isFinal(error))) throw error;
        return { updates: await this.lastPublished(open, input.run, updates), replayed, ...(damage === null ? {} : { damage }) };
      }
      work.onProgress?.({ version: updates[updates.length - 1]?.version });
    }
    return { updates, replayed };
  }

  /** The last of the updates, at which the live state stands, with a policy to play; one that an attempt left behind that was given up is replaced. */
  private async lastPublished(open: OpenRun, run: string, updates: readonly UpdateRef[]): Promise<UpdateRef[]> {
    const last = updates[updates.length - 1] as UpdateRef;
    const policy = last.policy ?? (await this.publish(run, open.trainee, (open.live as NonNullable<OpenRun['live']>).state, last.version, () => false));
    return [...updates.slice(0, -1), { ...last, policy }];
  }

  /**
   * Makes a policy or a checkpoint again that was damaged or lost, from the checkpoint before it and the updates since.
   * @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT: with the key of another object, where that one must be
   * made again first; with this key, where it cannot be done.
   */
  async restoreVersion(input: RestoreVersionInput, work: UpdateWork = {}): Promise<RestoreResult> {
    const { store } = this.options;
    const { run, key } = input;
    const place = placeOf(key);
    if (place?.kind !== 'policy' && place?.kind !== 'checkpoint') throw cannotRestore(key, 'it is neither a policy nor a checkpoint');
    const { version } = place;
    const open = await this.open(run);
    const stored = await store.get(key);
    const record = version === 0 ? undefined : await readJson<UpdateRecord>(store, layout.update(run, version));
    if (version > 0 && record === undefined) throw cannotRestore(key, 'its update has no record');
    const digest = input.digest ?? (place.kind === 'policy' ? (record?.policy?.digest ?? null) : null);
    if (stored && (digest === null ? place.kind === 'checkpoint' && isReadable(open.trainee, stored) : digestOf(stored) === digest)) return { made: false };
    // What is in memory stands elsewhere, and is needed there afterwards.
    const { live } = open;
    try {
      await this.advanceFromAny(open, run, version, key, work);
      const { state } = open.live as NonNullable<OpenRun['live']>;
      if (place.kind === 'checkpoint') for (const file of checkpointFiles(run, open.trainee, state, version)) await store.replace(file.key, file.bytes);
      else {
        const bytes = this.policyBytes(run, open.trainee, state, version);
        if (digest !== null && digestOf(bytes) !== digest) throw cannotRestore(key, `made again it has ${digestOf(bytes)}, recorded was ${digest}`);
        await store.replace(key, bytes);
      }
      return { made: true };
    } finally {
      open.live = live ?? open.live;
    }
  }

  /** To a version from the newest checkpoint before it (or at it, for its policy) that can be read. */
  private async advanceFromAny(open: OpenRun, run: string, version: number, key: string, work: UpdateWork): Promise<void> {
    if (open.live?.version === version) return;
    const prefix = layout.checkpoints(run);
    const versions = (await this.options.store.list(prefix)).filter((one) => one.key.endsWith('/model.safetensors') && one.key !== key).map((one) => Number.parseInt(one.key.slice(prefix.length), 10));
    const candidates = [...new Set([0, ...versions])].filter((one) => one <= version).sort((a, b) => b - a);
    for (const [index, checkpoint] of candidates.entries()) {
      open.live = null;
      try {
        await this.advanceTo(open, run, version, checkpoint, work);
        return;
      } catch (error) {
        const damaged = damageOf(error)?.key;
        if (damaged !== layout.checkpoint(run, checkpoint) || index === candidates.length - 1) throw error;
      }
    }
  }

  /** The checkpoint of a version that has none yet. */
  async writeCheckpoint(input: CheckpointInput, work: UpdateWork = {}): Promise<UpdateRef | null> {
    const { run, version } = input;
    const open = await this.open(run);
    await this.advanceTo(open, run, version, input.checkpoint, work);
    await storeCheckpoint(this.options.store, run, open.trainee, (open.live as NonNullable<OpenRun['live']>).state, version, () => false);
    const key = layout.update(run, version);
    const record = await readJson<UpdateRecord>(this.options.store, key);
    return record ? updateRef({ ...record, checkpoint: true }, key, this.options.endpoints) : null;
  }

  async close(): Promise<void> {
    await Promise.all([...this.runs.values()].map((run) => run.trainee.release()));
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

  private async makeVersion(open: OpenRun, input: UpdateInput, batch: UpdateBatch, parts: readonly SegmentBytes[]): Promise<UpdateRef> {
    const { store, endpoints } = this.options;
    const { run, checkpointsAt } = input;
    const { version: parent, state: before } = open.live as NonNullable<OpenRun['live']>;
    const version = parent + 1;
    const { state, metrics } = await open.trainee.train(before, parts);
    const key = layout.update(run, version);
    // Without its record a version was never made: what a call left behind that was given up before its record is replaced.
    const stands = (): Promise<boolean> => store.exists(key);
    const isLast = version === input.parent + input.batches.length;
    const policy = isLast ? await this.publish(run, open.trainee, state, version, stands) : null;
    const checkpoint = checkpointsAt.includes(version);
    if (checkpoint) await storeCheckpoint(store, run, open.trainee, state, version, stands);
    const record: UpdateRecord = {
      version,
      parent,
      segments: batch.segments.map((segment) => ({ ...inputRef(segment), policyVersion: segment.policyVersion })),
      rewards: batch.rewards.map(inputRef),
      ...(batch.scoring === undefined ? {} : { scoring: batch.scoring }),
      transitions: batch.segments.reduce((sum, segment) => sum + segment.rows, 0),
      lagMax: batch.segments.reduce((most, segment) => Math.max(most, parent - segment.policyVersion), 0),
      metrics,
      parametersDigest: parametersDigest(open.trainee, state),
      policy: policy && inputRef(policy.artifact),
      checkpoint,
    };
    await writeArtifact(store, key, Buffer.from(`${JSON.stringify(record)}\n`), { schemaVersion: 1 });
    open.live = { version, state };
    return updateRef(record, key, endpoints);
  }

  /** Brings the live state to `version`: from memory, else from a checkpoint, by repeating the updates between. */
  private async advanceTo(open: OpenRun, run: string, version: number, checkpoint: number, work: UpdateWork): Promise<number> {
    if (open.live === null || open.live.version > version || open.live.version < checkpoint) {
      open.live = { version: checkpoint, state: await this.loadCheckpoint(open, run, checkpoint) };
    }
    let replayed = 0;
    while (open.live.version < version) {
      work.signal?.throwIfAborted();
      const next: number = open.live.version + 1;
      const key = layout.update(run, next);
      const record = await readJson<UpdateRecord>(this.options.store, key);
      if (!record) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} to get to version ${version}, found nothing`, { key });
      const { state } = await open.trainee.train(open.live.state, await readBatch(this.options.reader, record, work.signal));
      const digest = parametersDigest(open.trainee, state);
      if (digest !== record.parametersDigest) {
        throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected version ${next} made again to have ${record.parametersDigest}, got ${digest}; was it made on a machine that computes differently?`, { key, digest });
      }
      open.live = { version: next, state };
      replayed += 1;
      work.onProgress?.({ replayed });
    }
    return replayed;
  }

  /** Version 0 follows from the job. @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT with the key of the checkpoint */
  private async loadCheckpoint(open: OpenRun, run: string, version: number): Promise<TrainerState> {
    if (version === 0) return open.trainee.begin();
    const key = layout.checkpoint(run, version);
    const bytes = await this.options.store.get(key);
    if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected the checkpoint ${key}, found nothing; check that all workers see the same store`, { key });
    let state: TrainerState;
    try {
      state = decodeCheckpoint(open.trainee, bytes);
    } catch (cause) {
      if (errorCodeOf(cause) !== 'LAUREL_STORE_CORRUPT') throw cause;
      throw new LaurelError('LAUREL_STORE_CORRUPT', `${key}: ${(cause as Error).message}`, { key }, { cause });
    }
    const record = await readJson<UpdateRecord>(this.options.store, layout.update(run, version));
    const digest = parametersDigest(open.trainee, state);
    if (record && record.parametersDigest !== digest) throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${key} to hold parameters with ${record.parametersDigest}, found ${digest}`, { key });
    return state;
  }

  private policyBytes(run: string, { parameters }: Trainee, state: TrainerState, version: number): Uint8Array {
    const tensors = parameters.map(({ name, shape }) => ({ name, shape, data: state.parameters[name] as Float32Array }));
    return encodePolicy(tensors, { run, version });
  }

  private async publish(run: string, trainee: Trainee, state: TrainerState, version: number, stands: () => boolean | Promise<boolean> = () => true): Promise<PolicyRef> {
    const options = { rows: trainee.parameters.length, schemaVersion: SCHEMA_VERSIONS.policy, endpoints: this.options.endpoints };
    return { version, artifact: await writeWhole(this.options.store, layout.policy(run, version), this.policyBytes(run, trainee, state, version), options, stands) };
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
    const opened: OpenRun = { trainee: await this.trainee(run, job), live: null };
    this.runs.set(run, opened);
    for (const [oldest, { trainee: unused }] of this.runs) {
      if (this.runs.size <= RUNS_MAX) break;
      this.runs.delete(oldest);
      await unused.release();
    }
    return opened;
  }

  private trainee(run: string, job: Job): Promise<Trainee> {
    const versionZero = async (): Promise<Record<string, Float32Array>> => {
      const key = layout.policy(run, 0);
      const bytes = await this.options.store.get(key);
      if (bytes === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; check that all workers see the same store`, { key });
      return Object.fromEntries(decodePolicy(bytes).map(({ name, data }) => [name, data]));
    };
    return createTrainee({ run, job, spacesOf: this.options.spacesOf, versionZero }, this.warmStarts);
  }
}

function isFinal(error: unknown): boolean {
  const code = errorCodeOf(error);
  return code !== undefined && !ERROR_TABLE[code].retryable;
}

function isReadable(trainee: Trainee, bytes: Uint8Array): boolean {
  try {
    decodeCheckpoint(trainee, bytes);
    return true;
  } catch {
    return false;
  }
}

export function parametersDigest(network: Pick<Trainee, 'parameters'>, state: TrainerState): string {
  const hash = createHash('sha256');
  for (const { name } of network.parameters) {
    const { buffer, byteOffset, byteLength } = state.parameters[name] as Float32Array;
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return `sha256:${hash.digest('hex')}`;
}
