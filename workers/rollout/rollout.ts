/**
 * The rollout pool's machinery on the main thread: gets policies, has segments and evaluations played, stores them and
 * gives their references. A call that is repeated finds what is stored already and makes only what is missing. Two tries of
 * one call may live at the same time, each with a policy of its own: whoever stores a segment first has made it, and the
 * other goes on behind it. So a segment has one content, and each follows from the one that is stored before it.
 */
import type { CollectInput, CollectResult, EvaluateInput } from '../../proto/activities.js';
import { errorCodeOf, LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import type { EvaluationRef, PolicyRef, SegmentRef } from '../../proto/references.js';
import { SCHEMA_VERSIONS } from '../../proto/schemas.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { digestOf, readJson, writeArtifact, writeWhole } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { TokenTable } from '../text/tokens.js';
import { encodeEvaluation, EVALUATION_VERSION, evaluationRef } from './evaluation-record.js';
import { KeyedLock } from './keyed-lock.js';
import { quantile } from './mean-interval.js';
import { remembered } from '../remembered.js';
import type { PolicyBytes } from './policy/group-policy.js';
import { playRecipe, type MadeSegment, type PlayRecipe, type RolloutHost } from './rollout-host.js';
import { segmentRef } from './segment-body.js';
import { isWholeSegment, readSegmentBody, stepsToRebuild } from './segment-boundary.js';
import { ShardOffers } from './shard-offers.js';

/** Policies kept: shards and evaluations of one worker ask for the same few versions. */
const POLICIES_MAX = 3;
const RECIPES_MAX = 64;

export interface RolloutOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  readonly host: RolloutHost;
  /** Flight locations where this worker offers what it wrote. */
  readonly endpoints: readonly string[];
}

export interface RolloutWork {
  readonly signal?: AbortSignal;
  /** Takes a small note on how far the call is. */
  readonly onProgress?: (note: unknown) => void;
}

export interface RemakeInput {
  readonly run: string;
  readonly shard: number;
  readonly seq: number;
  readonly policy: PolicyRef;
  readonly previous: Uint8Array | null;
}

export type CollectedSegments = Omit<CollectResult, 'workerQueue'> & { readonly offered: boolean };

/** A segment of that name was stored by another try; `cause` says how they differ. */
class TakenError extends Error {
  constructor(override readonly cause: unknown) {
    super('another try was first');
  }
}

export class Rollout {
  private readonly policies = new Map<string, Promise<PolicyBytes>>();
  private readonly recipes = new Map<string, Promise<PlayRecipe>>();
  private readonly shardLock = new KeyedLock();
  private readonly offers = new ShardOffers();
  private nextEvaluation = 0;

  constructor(private readonly options: RolloutOptions) {}

  /**
   * Segments seq .. seq + segments - 1 of a shard. `offered`: any worker of the pool may make the next ones.
   * @throws LaurelError LAUREL_STORE_*, LAUREL_ENVIRONMENT_*, LAUREL_MODEL_INVALID, LAUREL_NUMBER_INVALID, LAUREL_WORKER_FAILED
   */
  async collect(input: CollectInput, work: RolloutWork = {}): Promise<CollectedSegments> {
    const end = this.offers.begin();
    try {
      // A retry may come while the attempt before it still plays: one at a time.
      const { last, ...result } = await this.shardLock.run(`${input.run}/${input.shard}`, () => this.collectAlone(input, work));
      return { ...result, offered: end(() => result.stepMsP50 * stepsToRebuild(last)) };
    } catch (error) {
      end(() => Number.POSITIVE_INFINITY);
      throw error;
    }
  }

  /**
   * The evaluation of a policy on a suite.
   * @throws LaurelError as `collect`
   */
  async evaluate(input: EvaluateInput, work: RolloutWork = {}): Promise<EvaluationRef> {
    const { store, host, endpoints } = this.options;
    const key = layout.evaluation(input.run, input.policy.version, input.suite);
    const stored = await store.get(key);
    if (stored) return evaluationRef(key, stored, input, endpoints);
    const [recipe, policy] = await Promise.all([this.recipe(input.run), this.policy(input.policy)]);
    const { episodes, seed, environments } = input;
    const id = this.nextEvaluation++;
    try {
      await host.beginEvaluation({ id, recipe, policy, episodes, seed, environments });
      for (;;) {
        work.signal?.throwIfAborted();
        const { ended, played } = await host.continueEvaluation(id);
        work.onProgress?.({ episodes: ended, of: episodes });
        if (played === null) continue;
        const bytes = encodeEvaluation(input, played);
        await writeArtifact(store, key, bytes, { schemaVersion: EVALUATION_VERSION });
        return evaluationRef(key, bytes, input, endpoints);
      }
    } finally {
      await host.endEvaluation(id).catch(() => undefined);
    }
  }

  /**
   * Plays one segment again, whatever is stored; writes nothing.
   * @param input `previous`: the bytes of the segment before; null for segment 0
   */
  remake(input: RemakeInput, work: RolloutWork = {}): Promise<Uint8Array> {
    const { run, shard, seq, previous } = input;
    const { host } = this.options;
    return this.shardLock.run(`${run}/${shard}`, async () => {
      const [recipe, policy] = await Promise.all([this.recipe(run), this.policy(input.policy)]);
      work.signal?.throwIfAborted();
      // The live shard stands elsewhere; the next call that needs it builds it again.
      await host.drop({ run, shard });
      try {
        await host.open({ recipe, shard, seq, policy, ...(previous === null ? {} : { previous }) });
        return (await host.collect({ run, shard })).bytes;
      } finally {
        await host.drop({ run, shard }).catch(() => undefined);
      }
    });
  }

  async close(): Promise<void> {
    await this.options.host.close();
  }

  private async collectAlone(input: CollectInput, work: RolloutWork): Promise<Omit<CollectedSegments, 'offered'> & { readonly last: Uint8Array }> {
    const started = performance.now();
    const { run, shard, seq } = input;
    const end = seq + input.segments;
    const refs: SegmentRef[] = [];
    let last: Uint8Array | undefined;
    const adopt = async (): Promise<void> => {
      for (const { ref, bytes } of await this.storedSegments(input, seq + refs.length)) {
        refs.push(ref);
        last = bytes;
      }
    };
    const stepMs: number[] = [];
    let replayed = 0;
    await adopt();
    while (refs.length < input.segments) {
      replayed += await this.openShard(input, seq + refs.length, last, work.signal);
      try {
        await this.playSegments(input, seq + refs.length, work, (ref, made) => {
          refs.push(ref);
          last = made.bytes;
          stepMs.push(...made.stepMs);
          work.onProgress?.({ seq: ref.seq, of: end });
        });
      } catch (error) {
        const known = refs.length;
        if (error instanceof TakenError) await adopt();
        // Whatever took the name is gone again, or something else is wrong.
        if (refs.length === known) throw error instanceof TakenError ? error.cause : error;
      } finally {
        await this.options.host.release({ run, shard }).catch(() => undefined);
      }
    }
    stepMs.sort((a, b) => a - b);
    return { last: last as Uint8Array, segments: refs, collectMs: performance.now() - started, replayed, stepMsP50: quantile(stepMs, 0.5), stepMsP99: quantile(stepMs, 0.99) };
  }

  /** Segments of the call from `first` on, without a gap, that other tries have stored, by whatever policy. */
  private async storedSegments(input: CollectInput, first: number): Promise<{ ref: SegmentRef; bytes: Uint8Array }[]> {
    const found: { ref: SegmentRef; bytes: Uint8Array }[] = [];
    for (let seq = first; seq < input.seq + input.segments; seq++) {
      const key = layout.segment(input.run, input.shard, seq);
      const bytes = await this.options.store.get(key);
      if (!bytes || !isWholeSegment(bytes)) break;
      const artifact = { key, digest: digestOf(bytes), bytes: bytes.byteLength, rows: 0, schemaVersion: SCHEMA_VERSIONS.segment, endpoints: this.options.endpoints };
      found.push({ ref: segmentRef(artifact, readSegmentBody(bytes)), bytes });
    }
    return found;
  }

  /** Makes the shard live at the first segment that is missing. @returns transitions replayed */
  private async openShard(input: CollectInput, seq: number, last: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<number> {
    const { run, shard } = input;
    const { host, reader } = this.options;
    const [recipe, policy] = await Promise.all([this.recipe(run), this.policy(input.policy)]);
    const opened = await host.open({ recipe, shard, seq, policy });
    if (opened.open) return opened.replayed;
    if (last === undefined && input.previous?.seq !== seq - 1) {
      throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected segment ${seq - 1} of shard ${shard} as previous, got ${input.previous === null ? 'none' : `segment ${input.previous.seq}`}`);
    }
    const previous = last ?? (await reader.read(input.previous as SegmentRef, signal));
    return (await host.open({ recipe, shard, seq, policy, previous })).replayed;
  }

  /** Plays a segment while the one before it is written; at most one waits to be written. */
  private async playSegments(input: CollectInput, first: number, work: RolloutWork, onStored: (ref: SegmentRef, made: MadeSegment) => void): Promise<void> {
    const name = { run: input.run, shard: input.shard };
    let writing: Promise<void> = Promise.resolve();
    try {
      for (let seq = first; seq < input.seq + input.segments; seq++) {
        work.signal?.throwIfAborted();
        const made = await this.options.host.collect(name);
        await writing;
        if (made.body.seq !== seq) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected segment ${seq} of shard ${input.shard}, the shard made ${made.body.seq}`);
        writing = this.writeSegment(input, made).then((ref) => onStored(ref, made));
        // Handled where it is awaited; without this a failure while the next segment is played would end the process.
        writing.catch(() => undefined);
      }
      await writing;
    } catch (error) {
      // What the shard holds may not be what the store holds (a segment was not written, or differs).
      await Promise.allSettled([writing]);
      await this.options.host.drop(name).catch(() => undefined);
      throw error;
    }
  }

  private async writeSegment(input: CollectInput, made: MadeSegment): Promise<SegmentRef> {
    const { store, endpoints } = this.options;
    const key = layout.segment(input.run, input.shard, made.body.seq);
    try {
      return segmentRef(await writeWhole(store, key, made.bytes, { schemaVersion: SCHEMA_VERSIONS.segment, endpoints }, isWholeSegment), made.body);
    } catch (cause) {
      if (errorCodeOf(cause) === 'LAUREL_STORE_CONFLICT' && (await this.wasTaken(key, input))) throw new TakenError(cause);
      throw cause;
    }
  }

  /**
   * Whether another try of this call, which still lived, was first to store a segment: with an older or newer policy, or in
   * an environment that need not repeat itself. What is stored holds. Anything else would be a defect, and must be seen.
   */
  private async wasTaken(key: string, { run, policy }: CollectInput): Promise<boolean> {
    const stored = await this.options.store.get(key);
    if (stored === undefined || !isWholeSegment(stored)) return false;
    return readSegmentBody(stored).policyVersion !== policy.version || (await this.recipe(run)).environment.kind === 'gymnasium';
  }

  private recipe(run: string): Promise<PlayRecipe> {
    return remembered(this.recipes, run, RECIPES_MAX, async () => {
      const key = layout.spec(run);
      const job = await readJson<Job>(this.options.store, key);
      if (job === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; check that all workers see the same store`, { key });
      if (job.policy.kind !== 'transformer') return playRecipe(run, job);
      const tokens = await readJson<TokenTable>(this.options.store, layout.tokens(run));
      if (tokens === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${layout.tokens(run)} in the store, found nothing; check that all workers see the same store`, { key: layout.tokens(run) });
      return playRecipe(run, job, tokens);
    });
  }

  /** Read without the caller's signal: another caller may wait for the same bytes. */
  private policy({ version, artifact }: PolicyRef): Promise<PolicyBytes> {
    return remembered(this.policies, artifact.digest, POLICIES_MAX, async () => ({ version, digest: artifact.digest, bytes: await this.options.reader.read(artifact) }));
  }
}
