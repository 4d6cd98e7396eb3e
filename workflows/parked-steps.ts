/** Steps of a run that may fail for good: they are parked, and a person decides. Shared by all kinds of runs. */
import { ActivityFailure, ApplicationFailure, condition, isCancellation, log, TimeoutFailure } from '@temporalio/workflow';
import { MISSING_TRIES_MAX } from '../proto/restoration.js';
import { BY_ITSELF, DECISIONS, type Attention, type ControlRecord, type Decision, type DecisionRecord } from '../proto/status.js';

/** A call that has failed so often in a row, half a minute after the first time, is parked. */
export const ATTEMPTS_MAX = 6;
/** Pause before a call is tried again; it doubles each time. */
export const TRY_PAUSE_MS = 1_000;
export const TRY_PAUSE_MS_MAX = 30_000;
/** A parked step whose cause may pass is tried again by itself after this time, then after twice as long, and so on. */
const PARKED_TRY_MS = 60_000;
const PARKED_TRY_MS_MAX = 300_000;
/** Longest call, and how long after its last heartbeat a worker is taken for dead. */
export const CALL_MS_MAX = 30 * 60_000;
export const HEARTBEAT_TIMEOUT_MS = 15_000;

/** Decisions about parked steps, and records of each other kind, that are carried; all of them stand in the history. */
export const DECISIONS_KEPT = 20;

/** What a run does with parked steps: they are part of its state. */
export interface ParkHost {
  readonly attentionCount: () => number;
  readonly stopRequested: () => boolean;
  /** Who asked for it, where that was said. */
  readonly stoppedBy: () => string | null;
  readonly onParked: (attention: Attention) => void;
  readonly onUnparked: (record: DecisionRecord) => void;
  readonly onStop: () => void;
  /** The run ends or continues as new beside a parked step; one that holds no segments is given up then. Default: never. */
  readonly goesOnWithout?: () => boolean;
  /** Nobody is asked: a step that fails is left out (a cancelled run). Default: no. */
  readonly short?: () => boolean;
}

/** A step that is parked, while it is tried again. */
interface Parked {
  readonly id: string;
  readonly sinceMs: number;
  readonly tries: number;
  readonly code: string;
}

export class ParkedSteps {
  private readonly running = new Map<string, number>();
  private readonly decisions = new Map<string, { readonly decision: Decision; readonly by: string | null }>();

  constructor(private readonly host: ParkHost) {}

  decide(id: string, decision: Decision, by: string | null): void {
    this.decisions.set(id, { decision, by });
  }

  get callsUnderWay(): number {
    return this.running.size;
  }

  /** Calls under way and how long they are. */
  underWay(linesMax = Number.POSITIVE_INFINITY): string[] {
    return first(this.running, linesMax).map(([name, sinceMs]) => `${name} for ${seconds(Date.now() - sinceMs)}, ${seconds(Math.max(0, sinceMs + CALL_MS_MAX - Date.now()))} more at most, ${seconds(HEARTBEAT_TIMEOUT_MS)} after its worker falls silent`);
  }

  /**
   * Runs a step; where it fails for good, or too often, it is parked and a person decides: retry (the step runs again), skip
   * or stop (undefined comes back; what that means is the caller's). Where the cause may pass it is tried again by itself
   * meanwhile.
   * @param left says how the segments of the step end where it is left out; a step that has some may be voided too
   */
  async guarded<T>(stepName: string, run: () => Promise<T>, left?: (disposition: 'failed' | 'voided') => void): Promise<T | undefined> {
    for (let parked: Parked | null = null; ; ) {
      this.running.set(stepName, Date.now());
      try {
        const result = await run();
        if (parked !== null) this.unpark(stepName, parked, { decision: 'retry', by: BY_ITSELF });
        return result;
      } catch (error) {
        this.running.delete(stepName);
        if (isCancellation(error)) throw error;
        if (this.host.short?.() === true) {
          log.warn('step left out', { step: stepName, ...describeFailure(error) });
          left?.('failed');
          return undefined;
        }
        const decided: { readonly next: Decision | 'by-itself' | 'given-up'; readonly parked: Parked } = await this.park(stepName, error, left !== undefined, parked);
        if (decided.next === 'given-up') return undefined;
        parked = decided.next === 'by-itself' ? decided.parked : null;
        if (decided.next === 'by-itself' || decided.next === 'retry') continue;
        if (decided.next === 'stop') this.host.onStop();
        left?.(decided.next === 'void' ? 'voided' : 'failed');
        return undefined;
      } finally {
        this.running.delete(stepName);
      }
    }
  }

  private async park(step: string, error: unknown, holdsSegments: boolean, before: Parked | null): Promise<{ readonly next: Decision | 'by-itself' | 'given-up'; readonly parked: Parked }> {
    const failure = describeFailure(error);
    const tries = (before?.tries ?? 0) + 1;
    const parked: Parked = { id: before?.id ?? `${this.host.attentionCount() + 1}`, sinceMs: before?.sinceMs ?? Date.now(), tries, code: failure.code };
    const { id, sinceMs } = parked;
    log.warn('step parked', { step, ...failure });
    const pauseMs = isFinal(error) ? null : Math.min(PARKED_TRY_MS_MAX, PARKED_TRY_MS * 2 ** Math.min(tries - 1, 8));
    const choices = DECISIONS.filter((choice) => holdsSegments || choice !== 'void');
    this.host.onParked({ id, step, ...failure, choices, sinceMs, nextTryAtMs: pauseMs === null ? null : Date.now() + pauseMs });
    const givenUp = (): boolean => !holdsSegments && this.host.goesOnWithout?.() === true;
    const over = (): boolean => this.decisions.has(id) || this.host.stopRequested() || givenUp();
    if (pauseMs === null) await condition(over);
    else if (!(await condition(over, pauseMs, { summary: `next try of ${step}`.slice(0, 100) }))) return { next: 'by-itself', parked };
    const decided = this.decisions.get(id) ?? (this.host.stopRequested() ? { decision: 'stop' as const, by: this.host.stoppedBy() } : null);
    this.decisions.delete(id);
    this.unpark(step, parked, decided ?? { decision: 'retry', by: BY_ITSELF });
    return { next: decided?.decision ?? 'given-up', parked };
  }

  private unpark(step: string, { id, sinceMs, code }: Parked, { decision, by }: { readonly decision: Decision; readonly by: string | null }): void {
    this.decisions.delete(id);
    this.host.onUnparked({ id, step, code, decision, by, sinceMs, decidedAtMs: Date.now() });
  }
}

/** The first entries of a map, without looking at the others. */
export function first<K, V>(map: ReadonlyMap<K, V>, count: number): [K, V][] {
  const found: [K, V][] = [];
  for (const entry of map) {
    if (found.length >= count) break;
    found.push(entry);
  }
  return found;
}

/** A step that is parked already keeps its place among the parked steps. */
export function withParked<S extends { readonly attention: readonly Attention[]; readonly attentionCount: number }>(state: S, one: Attention): S {
  if (state.attention.some(({ id }) => id === one.id)) return { ...state, attention: state.attention.map((before) => (before.id === one.id ? one : before)) };
  return { ...state, attention: [...state.attention, one], attentionCount: state.attentionCount + 1 };
}

/** Its decision is kept beside the ones before it; the step waits no more. */
export function withDecided<S extends { readonly attention: readonly Attention[]; readonly decisions: readonly DecisionRecord[] }>(state: S, record: DecisionRecord): S {
  return { ...state, attention: state.attention.filter((one) => one.id !== record.id), decisions: [...state.decisions, record].slice(-DECISIONS_KEPT) };
}

/** A person left the step out; not so where the run gave it up to go on without, or to try it again as another run. */
export function wasSkipped({ decisions }: { readonly decisions: readonly DecisionRecord[] }, step: string): boolean {
  return decisions.some((one) => one.step === step && one.decision === 'skip');
}

/** A run that was told to pause, go on or stop; a stop ends a pause. */
export function withControl<S extends { readonly paused: boolean; readonly stopRequested: boolean; readonly stoppedBy?: string | null; readonly controls?: readonly ControlRecord[] }>(state: S, record: ControlRecord): S {
  const { action, by } = record;
  const told = { ...state, paused: action === 'pause', controls: [...(state.controls ?? []), record].slice(-DECISIONS_KEPT) };
  return action === 'stop' ? { ...told, stopRequested: true, ...(by === null ? {} : { stoppedBy: by }) } : told;
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** True where no other worker would fare better. */
export function isFinal(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true;
}

/** As the server waits, for calls whose tries the run makes itself; null: there have been enough. @param failures in a row */
export function pauseBeforeTry(code: string, failures: number): number | null {
  const tries = code === 'LAUREL_STORE_MISSING' ? MISSING_TRIES_MAX : ATTEMPTS_MAX;
  return failures >= tries ? null : Math.min(TRY_PAUSE_MS_MAX, TRY_PAUSE_MS * 2 ** (failures - 1));
}

/** A failure as a person is told of it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

export function describeFailure(error: unknown): Failure {
  const cause = error instanceof ActivityFailure ? (error.cause ?? error) : error;
  if (cause instanceof ApplicationFailure) return { code: cause.type ?? 'Error', message: cause.message };
  if (cause instanceof TimeoutFailure) return { code: 'LAUREL_WORKER_FAILED', message: `the call timed out (${cause.timeoutType})` };
  return { code: 'Error', message: cause instanceof Error ? cause.message : String(cause) };
}
