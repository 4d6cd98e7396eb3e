/** What must hold of a finished run, recomputed from its store alone. */
import { placeOf } from '../../proto/restoration.js';
import type { Job } from '../../proto/job.js';
import type { Ledger, RunStatus } from '../../proto/status.js';
import type { UpdateRecord } from '../learner/update-record.js';
import { loadSwept } from '../retention/sweeper.js';
import { readJson, readArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';

export interface InvariantReport {
  readonly segments: number;
  readonly trained: number;
  readonly versions: number;
  /** Objects that sweeps removed, and that are in their records. */
  readonly swept: number;
  /** Empty where everything holds. */
  readonly faults: readonly string[];
}

/**
 * Checks that versions follow each other without a gap, that each segment is trained on at most once and within the lag,
 * that every input has the digest it was trained with, and that the ledger of the summary agrees with the store.
 * @throws LaurelError LAUREL_STORE_UNAVAILABLE
 */
export async function checkInvariants(store: ObjectStore, run: string): Promise<InvariantReport> {
  const faults: string[] = [];
  const job = await readJson<Job>(store, layout.spec(run));
  if (!job) return { segments: 0, trained: 0, versions: 0, swept: 0, faults: [`${layout.spec(run)} is missing`] };
  const segments = (await store.list(`runs/${run}/segments/`)).map(({ key }) => key);
  const records = await Promise.all((await store.list(layout.updates(run))).map(async ({ key }) => (await readJson<UpdateRecord>(store, key))!));
  const swept = await loadSwept(store, run);
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
      if (fault !== null) faults.push(`an input of version ${record.version}: ${fault}`);
    }
    for (const { key } of record.segments) {
      const before = trainedBy.get(key);
      if (before !== undefined) faults.push(`${key} was trained on twice, by versions ${before} and ${record.version}`);
      trainedBy.set(key, record.version);
    }
  }
  const sweptSegments = [...swept.keys.keys()].filter((key) => placeOf(key)?.kind === 'segment').length;
  const summary = await readJson<{ status: RunStatus }>(store, layout.summary(run));
  if (summary) faults.push(...ledgerFaults(summary.status.ledger, segments.length + sweptSegments, trainedBy.size));
  return { segments: segments.length, trained: trainedBy.size, versions: records.length, swept: swept.keys.size, faults };
}

function ledgerFaults(ledger: Ledger, segments: number, trained: number): string[] {
  const faults: string[] = [];
  const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
  const ended = ledger.trained + ledger.stale + ledger.voided + total(ledger.filtered) + total(ledger.failed);
  if (ledger.open !== 0 || ended !== ledger.collected) faults.push(`expected every collected segment to have one disposition: ${JSON.stringify(ledger)}`);
  if (ledger.trained !== trained) faults.push(`the ledger says ${ledger.trained} segments were trained on, the updates name ${trained}`);
  // A cancelled call may have stored segments that the run never heard of; the other way round is a loss.
  if (ledger.collected > segments) faults.push(`the ledger says ${ledger.collected} segments were collected, the store holds or held ${segments}`);
  return faults;
}
