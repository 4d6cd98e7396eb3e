/**
 * Makes parts of a run again from what its store holds and compares bytes: segments are played again from seed and
 * logged actions, rewards computed again from the labels of their position, updates repeated from the version before.
 */
import type { FitInput } from '../../proto/activities.js';
import type { Job } from '../../proto/job.js';
import type { ArtifactRef, PolicyRef, RewardModelRef, SegmentRef } from '../../proto/references.js';
import { CounterRandom } from '../../proto/philox.js';
import { Updater } from '../learner/updater.js';
import type { InputRef, UpdateRecord } from '../learner/update-record.js';
import { LabelEntries } from '../annotator/label-entries.js';
import { writtenAgain } from '../annotator/label-record.js';
import { isTrained } from '../../proto/reward-fits.js';
import { Fitter, fitName } from '../reward/models/fitter.js';
import { decodeRewards } from '../reward/reward-record.js';
import { Scorer } from '../reward/scorer.js';
import { environmentSpaces } from '../rollout/environments/registry.js';
import type { RolloutHost } from '../rollout/rollout-host.js';
import { Rollout } from '../rollout/rollout.js';
import { segmentRef } from '../rollout/segment-body.js';
import { readSegmentBody } from '../rollout/segment-boundary.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { loadSwept, type Swept } from '../retention/sweeper.js';
import { digestOf, readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { OverlayStore } from './overlay-store.js';
import { tableDifference } from './table-difference.js';

export interface VerifyOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  readonly host: RolloutHost;
  /** Versions that are made again, with everything that they were made from; null: all. */
  readonly sample: number | null;
  /** Seed of the choice. */
  readonly seed: number;
  readonly onProgress?: (done: number, of: number, what: string) => void;
}

export interface VerifyReport {
  readonly versions: number;
  /** Of earlier versions a sweep removed what they were made from; 1: of none. */
  readonly verifiableFrom: number;
  /** Made again and found the same. */
  readonly same: { readonly segments: number; readonly rewards: number; readonly updates: number; readonly checkpoints: number; readonly labelEntries: number; readonly rewardModels: number };
  /** Updates repeated only to get to the version before. */
  readonly repeated: number;
  /** The first difference, from what was found back to what it was made from; null: none. */
  readonly difference: readonly string[] | null;
}

/** Something stored is not what it is when it is made again. */
class Difference extends Error {
  /** What was found, then what it is part of, outwards. */
  readonly lineage: readonly string[];

  /** @param within from the whole to the part */
  constructor(found: string, within: readonly string[] = []) {
    super(found);
    this.lineage = [found, ...[...within].reverse()];
  }
}

export class RunVerifier {
  private readonly overlay: OverlayStore;
  private readonly rollout: Rollout;
  private readonly scorer: Scorer;
  private readonly updater: Updater;
  private readonly fitter: Fitter;
  /** Keys of reward models that were made again. */
  private readonly modelsMade = new Set<string>();
  private job: Job | undefined;
  private readonly counts = { segments: 0, rewards: 0, updates: 0, checkpoints: 0, labelEntries: 0, rewardModels: 0 };
  /** Entries of each label log that were looked at. */
  private readonly entriesOf = new Map<string, LabelEntries>();
  private readonly labelsRead = new Map<string, number>();
  private swept: Swept = { keys: new Map(), verifiableFrom: 1 };
  /** Versions with a checkpoint. */
  private checkpoints: readonly number[] = [];
  private repeated = 0;

  constructor(
    private readonly run: string,
    private readonly options: VerifyOptions,
  ) {
    const { reader, host, store } = options;
    this.overlay = new OverlayStore(store);
    this.rollout = new Rollout({ store: this.overlay, reader: this.overlay.reader(reader), host, endpoints: [] });
    this.scorer = new Scorer({ store: this.overlay, reader, endpoints: [] });
    this.fitter = new Fitter({ store: this.overlay, endpoints: [] });
    this.updater = new Updater({ store: this.overlay, reader, endpoints: [], spacesOf: environmentSpaces });
  }

  /** @throws LaurelError where a worker could not do the work itself (an asset is missing, the store cannot be read) */
  async verify(): Promise<VerifyReport> {
    const { store } = this.options;
    const records = await store.list(layout.updates(this.run));
    this.swept = await loadSwept(store, this.run);
    const prefix = layout.checkpoints(this.run);
    this.checkpoints = (await store.list(prefix)).map(({ key }) => Number.parseInt(key.slice(prefix.length), 10));
    let difference: readonly string[] | null = null;
    try {
      await this.verifyBeginning();
      const chosen = this.choose(records.length);
      for (const [index, version] of chosen.entries()) {
        this.options.onProgress?.(index, chosen.length, `version ${version}`);
        await this.verifyVersion(version);
      }
      this.options.onProgress?.(chosen.length, chosen.length, 'done');
    } catch (error) {
      if (!(error instanceof Difference)) throw error;
      difference = error.lineage;
    }
    return { versions: records.length, verifiableFrom: this.swept.verifiableFrom, same: this.counts, repeated: this.repeated, difference };
  }

  async close(): Promise<void> {
    await Promise.all([this.rollout.close(), this.updater.close()]);
  }

  /** Version 0 follows from the job alone. */
  private async verifyBeginning(): Promise<void> {
    const { run } = this;
    const job = await this.readJson<Job>(layout.spec(run), []);
    this.job = job;
    const keys = [layout.spec(run), layout.policy(run, 0), layout.checkpoint(run, 0), layout.checkpointPolicy(run, 0)];
    this.overlay.hide(...keys);
    await this.updater.prepareRun({ run, job });
    for (const key of keys) await this.compare(key, [`${key}: made from the job`]);
    this.counts.checkpoints += 1;
  }

  private async verifyVersion(version: number): Promise<void> {
    const key = layout.update(this.run, version);
    const record = await this.readJson<UpdateRecord>(key, []);
    const lineage = [`version ${version} (${key})`];
    if (record.version !== version || record.parent !== version - 1) throw new Difference(`${key} says version ${record.version} with parent ${record.parent}, expected ${version} with ${version - 1}`);
    const segments: SegmentRef[] = [];
    for (const [index, input] of record.segments.entries()) {
      const segment = await this.verifySegment(input, lineage);
      await this.verifyReward(record.rewards[index] as InputRef, segment, lineage);
      segments.push(segment);
    }
    await this.verifyUpdate(record, segments, key, lineage);
  }

  /** Plays the segment again, from the boundary of the one before it and with the policy that is recorded. */
  private async verifySegment(input: InputRef, lineage: readonly string[]): Promise<SegmentRef> {
    const stored = await this.readInput(input, lineage);
    const { shard, seq, policyVersion } = readSegmentBody(stored);
    const previous = seq === 0 ? null : await this.segmentAt(shard, seq - 1, lineage);
    const from = [...lineage, `segment ${seq} of shard ${shard}, played by policy ${policyVersion}`];
    const policy = await this.policyAt(policyVersion, from);
    this.overlay.hide(input.key);
    await this.failing(from, () => this.rollout.collect({ run: this.run, shard, seq, segments: 1, policy, previous }));
    await this.compare(input.key, from, stored);
    this.counts.segments += 1;
    return segmentOf(input.key, stored);
  }

  private async verifyReward(input: InputRef, segment: SegmentRef, lineage: readonly string[]): Promise<void> {
    const stored = await this.readInput(input, lineage);
    const { body } = decodeRewards(stored);
    const positions = Object.entries(body.labels).map(([source, { annotator, position }]) => `${source} at position ${position} of the label log ${annotator}`);
    const from = [...lineage, `rewards of ${segment.key}${positions.length > 0 ? `, ${positions.join(', ')}` : ''}`];
    if (body.segment.digest !== segment.digest) throw new Difference(`${input.key} was made from ${body.segment.digest}, the segment of the update is ${segment.digest}`, from);
    const labels = Object.fromEntries(Object.entries(body.labels).map(([source, log]) => [source, { ...log, labels: 0 }]));
    for (const { annotator, position } of Object.values(body.labels)) await this.verifyLabels(annotator, position, from);
    // Absent in rewards that were made before there were reward models.
    const models = body.models ?? {};
    for (const [source, model] of Object.entries(models)) if (model !== null) await this.verifyModel(source, model, from);
    this.overlay.hide(input.key);
    const [made] = await this.failing(from, () => this.scorer.score({ run: this.run, segments: [segment], labels, models, weights: body.weights, ...(body.state && { state: body.state }) }));
    if (made?.key !== input.key) throw new Difference(`${input.key}: computed again its scoring would be ${String(made?.key)}`, from);
    await this.compare(input.key, from, stored);
    this.counts.rewards += 1;
  }

  /** Fits the version again, and those that it goes on from. */
  private async verifyModel(source: string, model: RewardModelRef, lineage: readonly string[]): Promise<void> {
    const spec = this.job?.sources[source];
    const from = [...lineage, `reward model of ${source} at position ${model.position}`];
    if (spec?.kind !== 'model' || !isTrained(spec.fit)) throw new Difference(`the job has no fit that makes ${model.key}`, from);
    const fit = { source, fit: spec.fit, threshold: spec.annotator.threshold };
    await this.verifyLabels(model.annotator, model.position, from);
    for (let position: number | null = model.position; position !== null; ) {
      const key = layout.rewardModel(model.annotator, fitName(fit), position);
      if (position === model.position && key !== model.key) throw new Difference(`${model.key}: the fit of the job has the name ${key}`, from);
      if (this.modelsMade.has(key)) return;
      this.overlay.hide(key);
      const input: FitInput = { ...fit, log: { annotator: model.annotator, position, labels: 0 } };
      position = await this.failing(from, () => this.fitter.again(input));
      await this.compare(key, from);
      this.modelsMade.add(key);
      this.counts.rewardModels += 1;
    }
  }

  /** Entries of a label log hold their own digest; that every other byte is as it was written shows when they are written again. */
  private async verifyLabels(annotator: string, position: number, lineage: readonly string[]): Promise<void> {
    for (let entry = this.labelsRead.get(annotator) ?? 0; entry < position; entry++) {
      const key = layout.label(annotator, entry);
      const bytes = (await this.failing(lineage, () => this.labelEntries(annotator).read(entry))) ?? (await this.present(key, lineage));
      const made = await this.failing(lineage, async () => writtenAgain(bytes, key, annotator));
      if (Buffer.compare(bytes, made) !== 0) throw new Difference(`${key}: ${tableDifference(bytes, made)}`, lineage);
      this.labelsRead.set(annotator, entry + 1);
      this.counts.labelEntries += 1;
    }
  }

  private labelEntries(annotator: string): LabelEntries {
    const known = this.entriesOf.get(annotator) ?? new LabelEntries(this.options.store, annotator);
    this.entriesOf.set(annotator, known);
    return known;
  }

  /** Repeats the update and compares the record, and the policy and checkpoint where they are kept. */
  private async verifyUpdate(record: UpdateRecord, segments: readonly SegmentRef[], key: string, lineage: readonly string[]): Promise<void> {
    const { run } = this;
    const { version, parent } = record;
    const { store } = this.options;
    const checkpoints = [layout.checkpoint(run, version), layout.checkpointPolicy(run, version)];
    const swept = (key: string): boolean => this.swept.keys.has(key);
    // The last one of a run is written without being in a record.
    const hasCheckpoint = (await store.exists(checkpoints[0] as string)) || (record.checkpoint && !swept(checkpoints[0] as string));
    this.overlay.hide(key, layout.policy(run, version), ...checkpoints);
    const rewards = record.rewards.map((input, index) => ({ ...input, endpoints: [], shard: segments[index]!.shard, seq: segments[index]!.seq, scoring: '', components: {} }));
    const { replayed } = await this.failing(lineage, () =>
      this.updater.update({ run, parent, batches: [{ segments, rewards }], checkpoint: this.checkpointBefore(version), checkpointsAt: hasCheckpoint ? [version] : [] }),
    );
    this.repeated += replayed;
    const made = JSON.parse(Buffer.from(this.overlay.take(key) ?? []).toString('utf8')) as UpdateRecord;
    for (const field of ['parametersDigest', 'metrics', 'segments', 'rewards', 'transitions', 'lagMax'] as const) {
      const [was, is] = [JSON.stringify(record[field]), JSON.stringify(made[field])];
      if (was !== is) throw new Difference(`${key}, ${field}: stored ${was.slice(0, 200)}, made again ${is.slice(0, 200)}`, lineage);
    }
    const policyKey = layout.policy(run, version);
    if (record.policy === null) this.overlay.take(policyKey);
    else if (!swept(policyKey)) await this.compare(policyKey, lineage);
    else if (digestOf(this.overlay.take(policyKey) ?? new Uint8Array(0)) !== record.policy.digest) throw new Difference(`${policyKey}, which was swept, does not have the recorded digest when it is made again`, lineage);
    if (hasCheckpoint) {
      for (const checkpoint of checkpoints) await this.compare(checkpoint, lineage);
      this.counts.checkpoints += 1;
    }
    this.counts.updates += 1;
  }

  /** What the overlay holds under `key` against what the store holds. */
  private async compare(key: string, lineage: readonly string[], known?: Uint8Array): Promise<void> {
    const made = this.overlay.take(key);
    const stored = known ?? (await this.present(key, lineage));
    if (made === undefined) throw new Difference(`${key} is not made when its work is repeated`, lineage);
    if (Buffer.compare(stored, made) === 0) return;
    const where = key.endsWith('.arrow') ? tableDifference(stored, made) : `stored ${digestOf(stored)}, made again ${digestOf(made)}`;
    throw new Difference(`${key}: ${where}`, lineage);
  }

  private async present(key: string, lineage: readonly string[]): Promise<Uint8Array> {
    const bytes = await this.options.store.get(key);
    if (bytes === undefined) throw new Difference(`${key} is missing`, lineage);
    return bytes;
  }

  /** An input as the update names it: its digest is part of the record. */
  private async readInput(input: InputRef, lineage: readonly string[]): Promise<Uint8Array> {
    return this.failing(lineage, () => this.options.reader.read({ ...input, endpoints: [] }));
  }

  /** What cannot be read, or no longer comes out as it did, is a difference; the rest is not ours to judge. */
  private async failing<T>(lineage: readonly string[], work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const code = (error as { code?: string }).code ?? '';
      if (!FOUND.has(code)) throw error;
      throw new Difference(`${code}: ${(error as Error).message}`, lineage);
    }
  }

  private async segmentAt(shard: number, seq: number, lineage: readonly string[]): Promise<SegmentRef> {
    const key = layout.segment(this.run, shard, seq);
    const bytes = await this.present(key, lineage);
    return this.failing(lineage, async () => segmentOf(key, bytes));
  }

  private async policyAt(version: number, lineage: readonly string[]): Promise<PolicyRef> {
    const key = layout.policy(this.run, version);
    if (this.swept.keys.has(key)) await this.failing(lineage, () => this.updater.restoreVersion({ run: this.run, key, digest: null }));
    const bytes = (await this.overlay.get(key)) ?? (await this.present(key, lineage));
    const record = version === 0 ? undefined : await this.readJson<UpdateRecord>(layout.update(this.run, version), lineage);
    if (record?.policy && record.policy.digest !== digestOf(bytes)) throw new Difference(`${key}: stored ${digestOf(bytes)}, recorded ${record.policy.digest}`, lineage);
    return { version, artifact: artifactOf(key, bytes) };
  }

  private async readJson<T>(key: string, lineage: readonly string[]): Promise<T> {
    try {
      const value = await readJson<T>(this.options.store, key);
      if (value !== undefined) return value;
    } catch (error) {
      throw new Difference(`${key} cannot be read: ${(error as Error).message}`, lineage);
    }
    throw new Difference(`${key} is missing`, lineage);
  }

  private checkpointBefore(version: number): number {
    return Math.max(0, ...this.checkpoints.filter((one) => one < version));
  }

  private choose(versions: number): number[] {
    const { verifiableFrom } = this.swept;
    const all = Array.from({ length: Math.max(0, versions + 1 - verifiableFrom) }, (_, index) => index + verifiableFrom);
    const { sample, seed } = this.options;
    if (sample === null || sample >= all.length) return all;
    const random = new CounterRandom(seed, 'verification');
    return all
      .map((version) => ({ version, draw: random.uniform(version) }))
      .sort((a, b) => a.draw - b.draw)
      .slice(0, sample)
      .map(({ version }) => version)
      .sort((a, b) => a - b);
  }
}

const FOUND = new Set(['LAUREL_STORE_CORRUPT', 'LAUREL_STORE_MISSING', 'LAUREL_SCHEMA_MISMATCH', 'LAUREL_INVARIANT_VIOLATED', 'LAUREL_MODEL_INVALID', 'LAUREL_STORE_CONFLICT']);

function segmentOf(key: string, bytes: Uint8Array): SegmentRef {
  return segmentRef(artifactOf(key, bytes), readSegmentBody(bytes));
}

function artifactOf(key: string, bytes: Uint8Array): ArtifactRef {
  return { key, digest: digestOf(bytes), bytes: bytes.byteLength, rows: 0, schemaVersion: 1, endpoints: [] };
}
