/** What happened: each fault with its outcome and the time to the next trained update, and sums by kind. */
import type { PlannedFault } from './faults.js';
import type { Progress } from './progress.js';

export interface LedgerEntry {
  readonly number: number;
  readonly kind: string;
  readonly target: string;
  /** Since the first trained update. */
  readonly atMs: number;
  readonly forMs: number;
  readonly outcome: string;
  /** From the beginning of the fault to the first update trained after it; null where none came before the end. */
  readonly nextUpdateMs: number | null;
}

export interface KindRow {
  readonly fault: string;
  readonly count: number;
  /** Faults that found nothing to hit. */
  readonly missed: number;
  readonly nextUpdateMs: { readonly median: number; readonly most: number } | null;
  readonly over60s: number;
}

const MISSED = /^(was not running|no disk of its own|was always being written to)/;

export class Ledger {
  private readonly begun: { readonly fault: PlannedFault; readonly atMs: number; outcome: string }[] = [];

  constructor(
    private readonly progress: Progress,
    private readonly say: (text: string) => void,
  ) {}

  begin(fault: PlannedFault): (outcome: string) => void {
    const entry = { fault, atMs: Date.now(), outcome: 'not over' };
    this.begun.push(entry);
    return (outcome) => {
      entry.outcome = outcome;
      this.say(`#${fault.number} ${fault.kind} ${fault.target}: ${outcome} (version ${this.progress.version})`);
    };
  }

  entries(startMs: number): LedgerEntry[] {
    return this.begun.map(({ fault, atMs, outcome }) => ({
      number: fault.number,
      kind: fault.kind,
      target: fault.target,
      atMs: atMs - startMs,
      forMs: fault.forMs,
      outcome,
      nextUpdateMs: this.progress.untilNext(atMs),
    }));
  }
}

export function rowsByKind(entries: readonly LedgerEntry[]): KindRow[] {
  const names = [...new Set(entries.map((entry) => `${entry.kind} ${entry.target}`))].sort();
  return names.map((fault) => {
    const all = entries.filter((entry) => `${entry.kind} ${entry.target}` === fault);
    const hit = all.filter((entry) => !MISSED.test(entry.outcome));
    const times = hit.flatMap((entry) => entry.nextUpdateMs ?? []).sort((a, b) => a - b);
    const nextUpdateMs = times.length === 0 ? null : { median: times[Math.floor((times.length - 1) / 2)] as number, most: times.at(-1) as number };
    return { fault, count: hit.length, missed: all.length - hit.length, nextUpdateMs, over60s: times.filter((time) => time > 60_000).length };
  });
}

export function tableLines(rows: readonly KindRow[]): string[] {
  const seconds = (milliseconds: number | undefined): string => (milliseconds === undefined ? '-' : (milliseconds / 1000).toFixed(1));
  return [
    '| fault | times | median s to the next trained update | most | over 60 s |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.fault} | ${row.count} | ${seconds(row.nextUpdateMs?.median)} | ${seconds(row.nextUpdateMs?.most)} | ${row.over60s} |`),
  ];
}
