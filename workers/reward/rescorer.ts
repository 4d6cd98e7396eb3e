/** Rewards of stored segments in several ways, side by side. Behind the activities `sampleSegments` and `rescore`. */
import type { RescoreInput, RescoringResult, RescoringVariant, SampleSegmentsInput } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import { CounterRandom } from '../../proto/philox.js';
import type { SegmentRef } from '../../proto/references.js';
import { readSegmentBody } from '../rollout/segment-boundary.js';
import { segmentRef } from '../rollout/segment-body.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { canonicalJson, digestOf, hashOf, writeArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { compare, summarise } from './compare.js';
import { SourceContexts } from './models/source-contexts.js';
import { segmentUnitColumns, segmentUnits } from './segment-units.js';
import type { RewardColumn } from './reward-column.js';
import { compileSource } from './sources/registry.js';
import { columnsOf } from './sources/source.js';
import { levelOf } from './units.js';

/** Messages on which two variants differ most that are kept for people, for each pair of them. */
const EXAMPLES = 30;

export interface RescorerOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
}

interface Work {
  readonly signal?: AbortSignal;
  readonly onProgress?: (note: unknown) => void;
}

/** A message, how often it came, and what each variant says of it (null: unknown). */
interface MessageValues {
  readonly text: string;
  count: number;
  readonly values: Readonly<Record<string, number | null>>;
}

export class Rescorer {
  private readonly contexts: SourceContexts;

  constructor(private readonly options: RescorerOptions) {
    this.contexts = new SourceContexts(options.store, options.reader);
  }

  /** @throws LaurelError LAUREL_STORE_MISSING where the run has no segments */
  async sample({ run, segments, seed }: SampleSegmentsInput, work: Work = {}): Promise<SegmentRef[]> {
    const { store } = this.options;
    const random = new CounterRandom(seed, 'verification');
    const keys = (await store.list(layout.segments(run))).map(({ key }) => key);
    if (keys.length === 0) throw new LaurelError('LAUREL_STORE_MISSING', `expected segments of the run ${run} in the store, found none; check the name of the run`, { run });
    const chosen = keys
      .map((key, index) => ({ key, draw: random.uniform(index) }))
      .sort((a, b) => a.draw - b.draw)
      .slice(0, segments)
      .map(({ key }) => key)
      .sort();
    const refs: SegmentRef[] = [];
    for (const key of chosen) {
      work.signal?.throwIfAborted();
      const bytes = await store.get(key);
      // Retention may have taken it since it was listed.
      if (bytes === undefined) continue;
      refs.push(segmentRef({ key, digest: digestOf(bytes), bytes: bytes.byteLength, rows: 0, schemaVersion: 1, endpoints: [] }, readSegmentBody(bytes)));
    }
    return refs;
  }

  /** Nothing that is stored changes; the result is an object of its own, named by its inputs. @throws LaurelError LAUREL_STORE_* */
  async rescore({ run, segments, variants }: RescoreInput, work: Work = {}): Promise<RescoringResult> {
    const values = variants.map((): number[] => []);
    const messages = new Map<string, MessageValues>();
    for (const [index, segment] of segments.entries()) {
      work.signal?.throwIfAborted();
      work.onProgress?.({ segment: index, of: segments.length });
      const units = segmentUnits(await this.options.reader.columns(segment, segmentUnitColumns(), work.signal));
      const level = levelOf(units, units.base);
      const columns = await Promise.all(
        variants.map(async ({ name, source, log, model }) => columnsOf(compileSource(name, source).evaluate(level, await this.contexts.of(source, log ?? undefined, model, level.texts)))[0] as RewardColumn),
      );
      for (let unit = 0; unit < level.units; unit++) {
        const text = level.texts[level.textIndex[unit] as number];
        if (text === undefined) continue;
        columns.forEach((column, variant) => values[variant]?.push(column.mask[unit] === 1 ? (column.value[unit] as number) : Number.NaN));
        const known = messages.get(text);
        if (known) known.count += 1;
        else messages.set(text, { text, count: 1, values: Object.fromEntries(columns.map((column, variant) => [(variants[variant] as RescoringVariant).name, column.mask[unit] === 1 ? (column.value[unit] as number) : null])) });
      }
    }
    const named = variants.map(({ name }, index) => ({ name, values: Float64Array.from(values[index] as number[]) }));
    const result = {
      transitions: named[0]?.values.length ?? 0,
      summaries: named.map((one) => summarise(one.name, one.values)),
      comparisons: named.flatMap((a, index) => named.slice(index + 1).map((b) => compare(a, b))),
    };
    const examples = Object.fromEntries(result.comparisons.map(({ a, b }) => [`${a} / ${b}`, differing([...messages.values()], a, b)]));
    // Without endpoints: where a model was offered is no part of what came out.
    const from = { segments: segments.map(({ key, digest }) => ({ key, digest })), variants: variants.map((variant) => ({ ...variant, model: variant.model && { key: variant.model.key, digest: variant.model.digest } })) };
    const body = { run, ...from, ...result, examples };
    const name = hashOf(from);
    const artifact = await writeArtifact(this.options.store, layout.rescoring(run, name), Buffer.from(`${canonicalJson(body)}\n`, 'utf8'), { schemaVersion: 1 });
    return { artifact, ...result };
  }
}

/** Messages that both know and value differently: the largest difference over all of its occurrences first. */
function differing(messages: readonly MessageValues[], a: string, b: string): { text: string; count: number; a: number; b: number }[] {
  return messages
    .flatMap(({ text, count, values }) => {
      const [x, y] = [values[a], values[b]];
      return x === null || y === null || x === undefined || y === undefined || x === y ? [] : [{ text, count, a: x, b: y }];
    })
    .sort((one, other) => other.count * Math.abs(other.a - other.b) - one.count * Math.abs(one.a - one.b) || (one.text < other.text ? -1 : 1))
    .slice(0, EXAMPLES);
}
