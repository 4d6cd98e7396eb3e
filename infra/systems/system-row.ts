/** A published reward system as a job of Laurel: its job file, and what must be true of the finished runs. */
import type { MetricsLine } from '../../proto/activities.js';
import type { RunStatus } from '../../proto/status.js';

/** What the store holds of a finished run, plain JSON. */
export interface StoredRun {
  readonly run: string;
  /** spec.json: the job with all defaults. */
  readonly job: Readonly<Record<string, unknown>>;
  readonly summary: { readonly outcome: string; readonly status: RunStatus } & Readonly<Record<string, unknown>>;
  /** The records under evaluations/, in the order of their keys. */
  readonly evaluations: readonly StoredEvaluation[];
  readonly metrics: readonly MetricsLine[];
}

export interface StoredEvaluation {
  readonly suite: string;
  readonly policyVersion?: number;
  readonly means: Readonly<Record<string, { readonly mean: number; readonly halfWidth: number }>>;
  readonly [more: string]: unknown;
}

/** One number that was measured. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  /** The threshold in words, `at least 0.85`; null: reported, not judged. */
  readonly wanted: string | null;
  readonly holds: boolean;
  /** The threshold of the table of systems and why it had to move; absent: it did not. */
  readonly moved?: string;
}

/** Runs by name: `base` is the job file as it stands, the others are the row's variants. */
export type StoredRuns = Readonly<Record<string, StoredRun>>;

export interface SystemRow {
  /** Number of the system in the table of systems. */
  readonly row: number;
  /** Kebab-case; the job file is examples/systems/<row>-<name>.json. */
  readonly name: string;
  readonly system: string;
  /** arXiv id of the paper. */
  readonly paper: string;
  /** What was checked, one sentence. */
  readonly checked: string;
  /** What is our own reading and not the paper's formula; null: nothing. */
  readonly reading: string | null;
  /** What of the system is not represented. */
  readonly absent: string;
  /** Runs in `npm test`: takes a few seconds. */
  readonly short: boolean;
  /** Further runs of the same job with some fields changed (see `merged`). */
  readonly variants?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** A function of the runs alone. */
  check(runs: StoredRuns): readonly Figure[] | Promise<readonly Figure[]>;
}

export const atLeast = (what: string, value: number, least: number, moved?: string): Figure => figure(what, value, `at least ${least}`, value >= least, moved);
export const atMost = (what: string, value: number, most: number, moved?: string): Figure => figure(what, value, `at most ${most}`, value <= most, moved);
export const within = (what: string, value: number, low: number, high: number, moved?: string): Figure => figure(what, value, `from ${low} to ${high}`, value >= low && value <= high, moved);
export const exactly = (what: string, value: number, wanted: number, tolerance = 0): Figure =>
  figure(what, value, tolerance === 0 ? `exactly ${wanted}` : `${wanted} to ${tolerance}`, Math.abs(value - wanted) <= tolerance);
/** Stands in the table and is not judged. */
export const reported = (what: string, value: number): Figure => ({ what, value, wanted: null, holds: true });

function figure(what: string, value: number, wanted: string, holds: boolean, moved?: string): Figure {
  return { what, value, wanted, holds: holds && Number.isFinite(value), ...(moved === undefined ? {} : { moved }) };
}

/** As `measured`, of the untrained policy (`evaluate.untrained`). @throws Error where it was not evaluated */
export function measuredUntrained(run: StoredRun | undefined, suite: string, name: string): number {
  const found = run?.evaluations.find((one) => one.suite === suite && one.policyVersion === 0)?.means[name]?.mean;
  if (found === undefined) throw new Error(`expected the figure ${name} of version 0 in the evaluation ${suite} of ${run?.run ?? 'a run that is missing'}`);
  return found;
}

/**
 * The mean that an evaluation of a run gave.
 * @param suite the last of this name
 * @throws Error where there is none: a check must not pass over what was not measured
 */
export function measured(run: StoredRun | undefined, suite: string, name: string): number {
  const found = run?.evaluations.filter((one) => one.suite === suite).at(-1)?.means[name]?.mean;
  if (found === undefined) throw new Error(`expected the figure ${name} in the evaluation ${suite} of ${run?.run ?? 'a run that is missing'}; there are ${(run?.evaluations ?? []).map((one) => `${one.suite}: ${Object.keys(one.means).join(', ')}`).join('; ')}`);
  return found;
}

/** A mean of version 0, before anything was learned from rewards (`evaluate.untrained`). @throws Error where there is none */
export function before(run: StoredRun | undefined, name: string): number {
  const found = run?.evaluations.find((one) => one.suite === 'policy' && one.policyVersion === 0)?.means[name]?.mean;
  if (found === undefined) throw new Error(`expected the figure ${name} of version 0 of ${run?.run ?? 'a run that is missing'}, found none; set evaluate.untrained`);
  return found;
}
