/** What people told a run, and what it did by itself about parked steps, as sentences. Pure. */
import { BY_ITSELF, type RunStatus, type SteerInput } from './status.js';

export interface Told {
  readonly atMs: number;
  /** Null: the update named nobody. */
  readonly by: string | null;
  /** `pause`, `steer: weights {"game":0.2}`, `retry: collect shard 1 · segments 4-5 (LAUREL_STORE_UNAVAILABLE)`. */
  readonly what: string;
}

/** Oldest first; of each kind the newest are known. */
export function toldRun({ controls = [], steers = [], decisions }: Pick<RunStatus, 'controls' | 'steers' | 'decisions'>): Told[] {
  const told: Told[] = [
    ...controls.map(({ action, by, atMs }) => ({ atMs, by, what: action })),
    ...steers.map(({ change, atMs, version }) => ({ atMs, by: change.by ?? null, what: `steer: ${changeText(change)}, from version ${version} on` })),
    ...decisions.map(({ decision, step, code, by, decidedAtMs }) => ({ atMs: decidedAtMs, by, what: `${decision}: ${step} (${code})` })),
  ];
  return told.sort((a, b) => a.atMs - b.atMs);
}

/** Who paused the run and when; undefined where it is not paused. */
export function pausedBy(status: Pick<RunStatus, 'state' | 'controls'>): { readonly by: string | null; readonly atMs: number } | undefined {
  const last = status.controls?.at(-1);
  return status.state === 'Paused' && last?.action === 'pause' ? last : undefined;
}

/** For a sentence: ` by ann`, ` by itself`, or nothing. */
export function byText(by: string | null): string {
  return by === null ? '' : by === BY_ITSELF ? ' by itself' : ` by ${by}`;
}

/** To the second: `2026-01-31 12:00:00 UTC`. @param atMs Unix time */
export function timeOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function changeText(change: SteerInput): string {
  return Object.entries(change)
    .filter(([name]) => name !== 'by')
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ');
}
