/** What the sources of a run pay for, looked at in some of the segments that it was trained on. From the store alone. */
import type { MetricsLine } from '../../../proto/activities.js';
import { binaryColumn } from '../../../proto/flight/column-readers.js';
import { readTables } from '../../../proto/flight/tables.js';
import type { Job } from '../../../proto/job.js';
import type { Interval, PaymentFigures, RewardQuality, RewardWarning } from '../../../proto/quality.js';
import { SEGMENT_COLUMNS } from '../../../proto/schemas.js';
import { textKey } from '../../annotator/text-key.js';
import type { UpdateRecord } from '../../learner/update-record.js';
import { readJson } from '../../store/artifacts.js';
import { layout } from '../../store/layout.js';
import type { ObjectStore } from '../../store/object-store.js';
import { evenly } from '../../evenly.js';
import { componentOf, decodeRewards } from '../reward-record.js';
import { apartWarning, PaymentCounter, shareWarning } from './reward-shares.js';

/** Segments looked at in one go: a few megabytes, whatever the run. */
const SEGMENTS_MAX = 24;
const SHOWN = 8;
/** Of sources that have no such field. */
const SHARE_MAX = 0.5;

export interface QualitySpan {
  readonly run: string;
  /** Metric lines of the run in the order of versions, or the first and the newest of them. */
  readonly lines: readonly MetricsLine[];
  /** Versions whose segments are looked at; a sample of them is enough. */
  readonly versions: readonly number[];
  /** Means of evaluations in the order of versions. */
  readonly evaluations: readonly { readonly means: Readonly<Record<string, Interval>> }[];
}

/**
 * Undefined where no source of the job reads messages, or nothing is left to look at.
 * @throws LaurelError LAUREL_STORE_UNAVAILABLE, LAUREL_SCHEMA_MISMATCH
 */
export async function rewardQuality(store: ObjectStore, { run, lines, versions, evaluations }: QualitySpan): Promise<RewardQuality | undefined> {
  const job = await readJson<Job>(store, layout.spec(run));
  if (job === undefined || 'data' in job || job.environment.kind === 'text') return undefined;
  const names = Object.entries(job.sources).flatMap(([name, source]) => (source.kind === 'env' ? [] : [name]));
  if (names.length === 0 || versions.length === 0) return undefined;
  const counters = new Map(names.map((name) => [name, new PaymentCounter()] as const));
  const looked: number[] = [];
  for (const version of evenly(versions, SEGMENTS_MAX)) if (await countVersion(store, run, version, counters)) looked.push(version);
  const [first, last] = [looked[0], looked.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const sources = names.map((source): PaymentFigures => ({ source, ...(counters.get(source) as PaymentCounter).shares(SHOWN) }));
  return { versions: [first, last], segments: looked.length, sources, warnings: warningsOf(job, sources, lines, evaluations) };
}

/** Counts one segment of an update; false where it, or its rewards, are no longer there. */
async function countVersion(store: ObjectStore, run: string, version: number, counters: ReadonlyMap<string, PaymentCounter>): Promise<boolean> {
  const record = await readJson<UpdateRecord>(store, layout.update(run, version));
  const place = record === undefined ? 0 : version % record.segments.length;
  const [segment, reward] = [record?.segments[place], record?.rewards[place]];
  if (segment === undefined || reward === undefined) return false;
  const [bytes, rewards] = await Promise.all([store.get(segment.key), store.get(reward.key)]);
  const table = bytes === undefined ? undefined : readTables(bytes)[0];
  if (table === undefined || rewards === undefined) return false;
  const decoded = decodeRewards(rewards);
  if (decoded.units !== table.numRows) return false;
  const keys = [...binaryColumn(table, SEGMENT_COLUMNS.text)].map((text) => (text.byteLength === 0 ? null : textKey(text)));
  for (const [source, counter] of counters) {
    if (!decoded.body.components.includes(source)) continue;
    const { value, mask } = componentOf(decoded, source);
    keys.forEach((key, row) => key !== null && counter.add({ key, value: value[row] as number, known: mask[row] === 1 }));
  }
  return true;
}

function warningsOf(job: Job, sources: readonly PaymentFigures[], lines: readonly MetricsLine[], evaluations: QualitySpan['evaluations']): RewardWarning[] {
  const returns = [...new Set(evaluations.flatMap(({ means }) => Object.keys(means)))].filter((name) => name.startsWith('return.'));
  return sources.flatMap((one) => {
    const { source } = one;
    const spec = job.sources[source];
    const rewards = lines.flatMap(({ values }) => values[`reward.${source}`] ?? []);
    const apart = returns.flatMap((metric) => apartWarning(source, rewards, metric, evaluations.flatMap(({ means }) => means[metric] ?? [])) ?? []);
    const share = shareWarning(source, one, spec?.kind === 'model' ? spec.paymentShareMax : SHARE_MAX);
    return share === undefined ? apart : [share, ...apart];
  });
}
