/** Whether what a run was told, as its history says it, is what its store holds. Pure. */
import type { Ledger } from '../../proto/status.js';
import type { UpdateRecord } from '../learner/update-record.js';
import { historyFacts, type HistoryFacts, type RunHistory } from './history-facts.js';

export interface StoredRun {
  /** By version, from 1. */
  readonly records: readonly UpdateRecord[];
  /** Digest by key, of segments that are there. */
  readonly segments: ReadonlyMap<string, string>;
  /** Entries by annotator. */
  readonly labelEntries: ReadonlyMap<string, number>;
  /** Of the summary; null: the run has not written one. */
  readonly ledger: Ledger | null;
}

export function auditHistory(histories: readonly RunHistory[], stored: StoredRun): string[] {
  const facts = historyFacts(histories);
  return [...facts.faults, ...segmentFaults(facts, stored), ...updateFaults(facts, stored), ...labelFaults(facts, stored), ...dispositionFaults(facts, stored)];
}

/** The segments of a shard come one after another, each once, and are what is stored. */
function segmentFaults({ collected }: HistoryFacts, { segments }: StoredRun): string[] {
  const faults: string[] = [];
  const next = new Map<number, number>();
  for (const { key, shard, seq, digest } of collected) {
    const expected = next.get(shard) ?? 0;
    if (seq !== expected) faults.push(`expected segment ${expected} of shard ${shard} next, the history has ${seq}`);
    next.set(shard, seq + 1);
    const found = segments.get(key);
    if (found !== undefined && found !== digest) faults.push(`the history says ${digest} of ${key}, the store holds ${found}`);
  }
  return faults;
}

/** Versions come one after another, each once, from segments that were collected, and their records say the same. */
function updateFaults({ collected, scored, updates, end }: HistoryFacts, { records }: StoredRun): string[] {
  const faults: string[] = [];
  const segments = new Map(collected.map(({ key, digest }) => [key, digest]));
  const rewards = new Set(scored.flatMap(({ result }) => result.rewards.map(({ key, digest }) => `${key} ${digest}`)));
  const trained = new Map<string, number>();
  let version = 0;
  for (const { input, result } of updates) {
    if (result.updates.length > 0 && input.parent !== version) faults.push(`an update call improved version ${input.parent} when version ${version} was the newest`);
    for (const [index, update] of result.updates.entries()) {
      version += 1;
      if (update.version !== version) faults.push(`expected version ${version} next, the history has ${update.version}`);
      const batch = input.batches[index];
      const record = records[update.version - 1];
      if (!batch || !record) {
        faults.push(`the history has version ${update.version}, which has no ${batch ? 'record' : 'batch'}`);
        continue;
      }
      const told = [...batch.segments, ...batch.rewards].map((ref) => `${ref.key} ${ref.digest}`).join();
      const recorded = [...record.segments, ...record.rewards].map((ref) => `${ref.key} ${ref.digest}`).join();
      if (told !== recorded) faults.push(`version ${update.version} was asked for from other inputs than its record names`);
      if (JSON.stringify(update.metrics) !== JSON.stringify(record.metrics)) faults.push(`the history and the record differ in the metrics of version ${update.version}`);
      for (const { key, digest } of batch.segments) {
        if (segments.get(key) !== digest) faults.push(`version ${update.version} was trained on ${key}, which the history never collected as ${digest}`);
        const before = trained.get(key);
        if (before !== undefined) faults.push(`${key} was trained on by versions ${before} and ${update.version} of the history`);
        trained.set(key, update.version);
      }
      for (const { key, digest } of batch.rewards) if (!rewards.has(`${key} ${digest}`)) faults.push(`version ${update.version} was trained with ${key}, which the history never scored as ${digest}`);
    }
  }
  // A call that was cut short, by a cancel or just now, may have recorded versions that the run never heard of.
  if (end === 'completed' && records.length !== version) faults.push(`the history has ${version} versions, the store ${records.length}`);
  if (records.length < version) faults.push(`the history has ${version} versions, the store only ${records.length}`);
  return faults;
}

/** Positions of label logs never go back, and never say more than the log holds. */
function labelFaults({ scored }: HistoryFacts, { labelEntries }: StoredRun): string[] {
  const faults: string[] = [];
  const newest = new Map<string, number>();
  for (const { input } of scored) {
    for (const { annotator, position } of Object.values(input.labels)) {
      if (position > (labelEntries.get(annotator) ?? 0)) faults.push(`rewards were computed from ${position} entries of the log ${annotator}, the store has ${labelEntries.get(annotator) ?? 0}`);
      newest.set(annotator, Math.max(newest.get(annotator) ?? 0, position));
    }
  }
  const used = scored.map(({ input }) => input.labels);
  for (const [index, labels] of used.entries()) {
    for (const [source, { position }] of Object.entries(labels)) {
      const before = used[index - 1]?.[source]?.position ?? 0;
      if (position < before) faults.push(`rewards of ${source} were computed from ${position} entries of its log after others from ${before}`);
    }
  }
  return faults;
}

/** Every segment that the history collected has one end: it was trained on, or the ledger counts it elsewhere. */
function dispositionFaults({ collected, updates, end }: HistoryFacts, { ledger }: StoredRun): string[] {
  if (ledger === null || end === 'open') return [];
  const trained = updates.reduce((sum, { input, result }) => sum + result.updates.reduce((count, _update, index) => count + (input.batches[index]?.segments.length ?? 0), 0), 0);
  const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const otherwise = ledger.stale + ledger.voided + total(ledger.filtered) + total(ledger.failed);
  const faults: string[] = [];
  if (ledger.collected !== collected.length) faults.push(`the ledger says ${ledger.collected} segments were collected, the history has ${collected.length}`);
  if (ledger.trained !== trained) faults.push(`the ledger says ${ledger.trained} segments were trained on, the history has ${trained}`);
  if (collected.length !== trained + otherwise) faults.push(`of ${collected.length} segments of the history ${trained} were trained on and ${otherwise} ended otherwise`);
  return faults;
}
