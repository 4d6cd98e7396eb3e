/** Scores segments: reads their messages, evaluates the reward expression, stores the components. */
import type { ScoreInput } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import type { ArtifactRef, RewardRef, SegmentRef } from '../../proto/references.js';
import { SCHEMA_VERSIONS } from '../../proto/schemas.js';
import { LabelTable, type LabelView } from '../annotator/label-table.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { digestOf, hashOf, readJson, writeArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { RewardGraph } from './graph.js';
import { readRewardInput, REWARD_INPUT_COLUMNS } from './reward-input.js';
import { decodeRewards, encodeRewards } from './reward-record.js';

export interface ScorerOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  /** Flight locations where this worker offers what it wrote. */
  readonly endpoints: readonly string[];
}

interface CompiledJob {
  readonly job: Job;
  readonly graph: RewardGraph;
}

/** Jobs and label tables kept in memory; the least recently used goes first. */
const KEPT_MAX = 32;

export class Scorer {
  private readonly jobs = new Map<string, CompiledJob>();
  private readonly tables = new Map<string, LabelTable>();

  constructor(private readonly options: ScorerOptions) {}

  /**
   * Rewards of each segment, in order. A pure function of the segments, the label-log positions and the weights: a
   * repeated call finds the same objects and gives the same references.
   * @throws LaurelError LAUREL_STORE_*, LAUREL_SCHEMA_MISMATCH, LAUREL_JOB_INVALID
   */
  async score(input: ScoreInput, work: { readonly signal?: AbortSignal } = {}): Promise<RewardRef[]> {
    const { job, graph } = await this.compiled(input.run);
    const labels: Record<string, LabelView> = {};
    for (const [source, log] of Object.entries(input.labels)) labels[source] = await this.table(log.annotator).at(log.position);
    const scoring = scoringOf(job, input);
    const refs: RewardRef[] = [];
    for (const segment of input.segments) {
      work.signal?.throwIfAborted();
      refs.push((await this.stored(input.run, segment, scoring)) ?? (await this.scoreOne(input, segment, graph, labels, scoring, work.signal)));
    }
    return refs;
  }

  private async scoreOne(input: ScoreInput, segment: SegmentRef, graph: RewardGraph, labels: Readonly<Record<string, LabelView>>, scoring: string, signal?: AbortSignal): Promise<RewardRef> {
    const rewardInput = readRewardInput(await this.options.reader.columns(segment, REWARD_INPUT_COLUMNS, signal));
    const columns = graph.evaluate(rewardInput, labels, input.weights);
    const { bytes, body } = encodeRewards(columns, {
      components: graph.components,
      segment: { key: segment.key, digest: segment.digest },
      scoring,
      labels: Object.fromEntries(Object.entries(input.labels).map(([source, { annotator, position }]) => [source, { annotator, position }])),
      weights: input.weights,
    });
    const key = layout.reward(input.run, segment.shard, segment.seq, scoring);
    const artifact = await writeArtifact(this.options.store, key, bytes, { rows: rewardInput.units, schemaVersion: SCHEMA_VERSIONS.reward, endpoints: this.options.endpoints });
    return { ...artifact, shard: segment.shard, seq: segment.seq, scoring, components: body.sums };
  }

  /** The reference of rewards that an earlier attempt has stored. */
  private async stored(run: string, segment: SegmentRef, scoring: string): Promise<RewardRef | undefined> {
    const key = layout.reward(run, segment.shard, segment.seq, scoring);
    const bytes = await this.options.store.get(key);
    if (bytes === undefined) return undefined;
    const { body, units } = decodeRewards(bytes);
    if (body.segment.digest !== segment.digest) {
      throw new LaurelError('LAUREL_STORE_CONFLICT', `expected ${key} to be made from ${segment.digest}, it was made from ${body.segment.digest}`, { key });
    }
    const artifact: ArtifactRef = { key, digest: digestOf(bytes), bytes: bytes.byteLength, rows: units, schemaVersion: SCHEMA_VERSIONS.reward, endpoints: this.options.endpoints };
    return { ...artifact, shard: segment.shard, seq: segment.seq, scoring, components: body.sums };
  }

  private async compiled(run: string): Promise<CompiledJob> {
    const known = this.jobs.get(run);
    if (known) return known;
    const key = layout.spec(run);
    const job = await readJson<Job>(this.options.store, key);
    if (job === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; check that all workers see the same store`, { key });
    const compiled = { job, graph: new RewardGraph(job) };
    keep(this.jobs, run, compiled);
    return compiled;
  }

  private table(annotator: string): LabelTable {
    const table = this.tables.get(annotator) ?? new LabelTable(this.options.store, annotator);
    keep(this.tables, annotator, table);
    return table;
  }
}

/** Name of a scoring: everything that its values depend on besides the segment. */
export function scoringOf(job: Job, input: Pick<ScoreInput, 'labels' | 'weights'>): string {
  const sources = Object.fromEntries(
    Object.entries(job.sources).map(([name, spec]): [string, unknown] => {
      if (spec.kind !== 'model') return [name, spec];
      const { answer, threshold } = spec.annotator;
      const log = input.labels[name];
      return [name, { kind: spec.kind, fit: spec.fit, unknown: spec.unknown, answer, threshold, annotator: log?.annotator ?? null, position: log?.position ?? null }];
    }),
  );
  return hashOf({ sources, shape: job.shape, combine: { op: job.combine.op, weights: input.weights } });
}

function keep<T>(entries: Map<string, T>, key: string, value: T): void {
  entries.delete(key);
  entries.set(key, value);
  for (const oldest of entries.keys()) {
    if (entries.size <= KEPT_MAX) break;
    entries.delete(oldest);
  }
}
