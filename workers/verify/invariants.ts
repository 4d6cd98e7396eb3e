/**
 * What must hold of a run, whatever was done to its machines and services: recomputed from its store, from its history
 * where there is one at hand, and from what its judge wrote down. The one place where it is said; tests, the chaos program
 * and `laurel verify` ask here.
 */
import { placeOf } from '../../proto/restoration.js';
import type { Job } from '../../proto/job.js';
import type { Ledger, RunStatus } from '../../proto/status.js';
import type { UpdateRecord } from '../learner/update-record.js';
import { LabelEntries } from '../annotator/label-entries.js';
import { loadSwept, type Swept } from '../retention/sweeper.js';
import { digestOf, readJson, readArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { auditHistory } from './history-audit.js';
import type { RunHistory } from './history-facts.js';
import { auditJudge, type JudgeAudit } from './judge-audit.js';
import { auditLabels, type JudgeEvidence, type LabelAudit } from './label-audit.js';

/** What is known of a run. */
export interface RunEvidence {
  readonly store: ObjectStore;
  readonly run: string;
  /** All links of the chain, the first one first. Absent: the store is asked alone. */
  readonly histories?: readonly RunHistory[];
  /** Absent: the judge left nothing that could be asked. Its other askers: runs of the same store that it answers too. */
  readonly judge?: JudgeEvidence & { readonly otherRuns?: readonly string[] };
  /** The run is over: it must have written its summary. */
  readonly over?: boolean;
}

export interface InvariantReport {
  readonly segments: number;
  readonly trained: number;
  readonly versions: number;
  /** Objects that sweeps removed, and that are in their records. */
  readonly swept: number;
  readonly labels: LabelAudit;
  /** Null where the judge left nothing. */
  readonly judge: JudgeAudit | null;
  /** Empty where everything holds. */
  readonly faults: readonly string[];
}

/**
 * - Versions follow each other without a gap; each segment is trained on at most once, within the lag, with inputs that have
 *   their recorded digests.
 * - The segments of a shard follow each other without a gap; what is not there was swept, and a sweep says so.
 * - Every collected segment has exactly one disposition, and the ledger of the summary counts them as store and history do.
 * - What the history was told of segments, rewards and versions is what the store holds; nothing was told twice.
 * - No label log has a gap, a label twice, or one that its judge did not give; no answered question was asked again.
 * @throws LaurelError LAUREL_STORE_UNAVAILABLE
 */
export async function checkInvariants({ store, run, histories, judge, over = false }: RunEvidence): Promise<InvariantReport> {
  const faults: string[] = [];
  const job = await readJson<Job>(store, layout.spec(run));
  if (!job) return { segments: 0, trained: 0, versions: 0, swept: 0, labels: { labels: 0, unanswered: 0, unread: 0, kept: 0, faults: [] }, judge: null, faults: [`${layout.spec(run)} is missing`] };
  // In this order: what an open run writes meanwhile follows from what is read later.
  const records = await Promise.all((await store.list(layout.updates(run))).map(async ({ key }) => (await readJson<UpdateRecord>(store, key))!));
  const segments = (await store.list(layout.segments(run))).map(({ key }) => key);
  const swept = await loadSwept(store, run);
  const summary = await readJson<{ outcome: string; status: RunStatus }>(store, layout.summary(run));
  if (over && !summary) faults.push('the run wrote no summary');
  const trained = await recordFaults(store, run, job, records, swept, faults);
  faults.push(...gaps(segments, swept));
  const sweptSegments = [...swept.keys.keys()].filter((key) => placeOf(key)?.kind === 'segment').length;
  if (summary) faults.push(...ledgerFaults(summary, segments.length + sweptSegments, records));
  if (histories) faults.push(...auditHistory(histories, { records, segments: await digests(store, histories.length === 0 ? [] : segments), labelEntries: await labelEntries(store), ledger: summary?.status.ledger ?? null }));
  const others = await Promise.all((judge?.otherRuns ?? []).map((other) => readJson<Job>(store, layout.spec(other))));
  const labels = await auditLabels(store, [job, ...others.flatMap((other) => other ?? [])], judge ?? null);
  const asked = judge ? auditJudge(judge.journal, judge.troubles) : null;
  faults.push(...labels.faults, ...(asked?.faults ?? []));
  return { segments: segments.length, trained, versions: records.length, swept: swept.keys.size, labels, judge: asked, faults };
}

/** @returns segments that were trained on */
async function recordFaults(store: ObjectStore, run: string, job: Job, records: readonly UpdateRecord[], swept: Swept, faults: string[]): Promise<number> {
  const trainedBy = new Map<string, number>();
  for (const [index, record] of records.entries()) {
    if (record.version !== index + 1 || record.parent !== index) faults.push(`expected update ${index + 1}, found version ${record.version} with parent ${record.parent}`);
    if (record.lagMax > job.schedule.policyLagMax) faults.push(`version ${record.version} was trained with lag ${record.lagMax}, more than ${job.schedule.policyLagMax}`);
    for (const input of [...record.segments, ...record.rewards]) {
      if (swept.keys.has(input.key)) continue;
      const fault = await readArtifact(store, input).then(
        () => null,
        (error: Error) => error.message,
      );
      // A sweep of a run that goes on may have come meanwhile; its record was there first.
      if (fault !== null && !(await loadSwept(store, run)).keys.has(input.key)) faults.push(`an input of version ${record.version}: ${fault}`);
    }
    for (const { key } of record.segments) {
      const before = trainedBy.get(key);
      if (before !== undefined) faults.push(`${key} was trained on twice, by versions ${before} and ${record.version}`);
      trainedBy.set(key, record.version);
    }
  }
  return trainedBy.size;
}

function gaps(segments: readonly string[], swept: Swept): string[] {
  const byShard = new Map<number, Set<number>>();
  for (const key of [...segments, ...swept.keys.keys()]) {
    const place = placeOf(key);
    if (place?.kind !== 'segment') continue;
    const known = byShard.get(place.shard) ?? new Set();
    byShard.set(place.shard, known.add(place.seq));
  }
  const faults: string[] = [];
  for (const [shard, known] of byShard) for (let seq = 0; seq < Math.max(...known); seq++) if (!known.has(seq)) faults.push(`segment ${seq} of shard ${shard} is gone, and no sweep removed it`);
  return faults;
}

async function digests(store: ObjectStore, keys: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const key of keys) {
    const bytes = await store.get(key);
    if (bytes) found.set(key, digestOf(bytes));
  }
  return found;
}

async function labelEntries(store: ObjectStore): Promise<Map<string, number>> {
  const entries = new Map<string, number>();
  for (const { key } of await store.list(layout.annotators)) {
    const annotator = key.slice(layout.annotators.length, -'.json'.length);
    entries.set(annotator, await new LabelEntries(store, annotator).count());
  }
  return entries;
}

function ledgerFaults({ outcome, status }: { readonly outcome: string; readonly status: RunStatus }, segments: number, records: readonly UpdateRecord[]): string[] {
  const faults: string[] = [];
  const ledger: Ledger = status.ledger;
  const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const ended = ledger.trained + ledger.stale + ledger.voided + total(ledger.filtered) + total(ledger.failed);
  if (ledger.open !== 0 || ended !== ledger.collected) faults.push(`expected every collected segment to have one disposition: ${JSON.stringify(ledger)}`);
  // A cancel may cut a call that has recorded versions which the run then never heard of.
  const known = outcome === 'cancelled' ? records.slice(0, status.version) : records;
  const trained = known.reduce((sum, record) => sum + record.segments.length, 0);
  if (known.length !== status.version) faults.push(`the summary says version ${status.version}, the store has ${records.length} updates`);
  if (ledger.trained !== trained) faults.push(`the ledger says ${ledger.trained} segments were trained on, the updates name ${trained}`);
  // A cancelled call may have stored segments that the run never heard of; the other way round is a loss.
  if (ledger.collected > segments) faults.push(`the ledger says ${ledger.collected} segments were collected, the store holds or held ${segments}`);
  for (const { step, sinceMs, decidedAtMs } of status.decisions) if (!(decidedAtMs >= sinceMs)) faults.push(`the decision about ${step} does not say when it was made`);
  return faults;
}
