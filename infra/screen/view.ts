/** What the screen shows, as plain data. */
import type { RunStatus } from '../../proto/status.js';
import type { Rates } from './rates.js';

export interface ScreenView {
  readonly run: string;
  /** Undefined until the run has answered for the first time. */
  readonly status: RunStatus | undefined;
  readonly rates: Rates;
  /** Why the status is not fresh: what is being waited for; undefined where it is. */
  readonly waitingFor: string | undefined;
  /** Calls that fail and are tried again, one sentence each. */
  readonly retries: readonly string[];
  readonly workers: WorkersView;
  /** Newest last. */
  readonly events: readonly string[];
  /** Page of the run in the Temporal UI. */
  readonly page: string | undefined;
  readonly elapsedMs: number;
}

export interface WorkersView {
  readonly ready: number;
  readonly total: number;
  /** Names of those that do not run now. */
  readonly down: readonly string[];
}

/** Colours, or none. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
}

const same = (text: string): string => text;
export const PLAIN: Paint = { bold: same, dim: same, good: same, warn: same };

const escape = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
export const COLOURED: Paint = { bold: escape(1), dim: escape(2), good: escape(32), warn: escape(33) };
