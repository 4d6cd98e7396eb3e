/** What the loops of one run share: the state, the named waits, the parked steps, and how activities are called. */
import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  TimeoutFailure,
  upsertSearchAttributes,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { TASK_QUEUES, type AnnotatorActivities, type LearnerActivities, type Pool, type RewardActivities, type RolloutActivities } from '../proto/activities.js';
import { DECISIONS, type Decision, type RunState, type RunStatus } from '../proto/status.js';
import { runDetails } from './run-details.js';
import { statusOf } from './training-metrics.js';
import { step, type TrainingEvent, type TrainingState } from './training-state.js';

const ATTRIBUTES = {
  state: defineSearchAttributeKey('LaurelState', 'KEYWORD'),
  task: defineSearchAttributeKey('LaurelTask', 'KEYWORD'),
  needsAttention: defineSearchAttributeKey('LaurelNeedsAttention', 'BOOL'),
  version: defineSearchAttributeKey('LaurelVersion', 'INT'),
};

/** A dead worker is noticed after this time without a heartbeat. */
const HEARTBEAT_TIMEOUT_MS = 15_000;
/** How long a call waits for the worker that holds the live state before any worker of the pool may take it. */
const AFFINE_START_TIMEOUT_MS = 5_000;

const base = { startToCloseTimeout: '30 minutes', heartbeatTimeout: HEARTBEAT_TIMEOUT_MS, retry: { initialInterval: '1s', maximumInterval: '30s' } } as const;

export const rollout = proxyActivities<RolloutActivities>({ ...base, taskQueue: TASK_QUEUES.rollout });
export const annotator = proxyActivities<AnnotatorActivities>({ ...base, taskQueue: TASK_QUEUES.annotator });
export const reward = proxyActivities<RewardActivities>({ ...base, taskQueue: TASK_QUEUES.reward });
export const learner = proxyActivities<LearnerActivities>({ ...base, taskQueue: TASK_QUEUES.learner });

export class RunContext {
  /** Set when the workflow is about to continue as new: loops end at their next border. */
  draining = false;
  private readonly waiting = new Map<string, Wait>();
  private readonly running = new Map<string, number>();
  private stall: { readonly mark: string; readonly sinceMs: number; readonly why: readonly string[] } | null = null;
  private readonly decisions = new Map<string, { readonly decision: Decision; readonly by: string | null }>();
  private shownState: RunState | undefined;
  private shownVersion = 0;
  private finishing = false;
  private final: RunState | undefined;

  constructor(public state: TrainingState) {}

  apply(event: TrainingEvent): void {
    this.state = step(this.state, event);
    this.show();
  }

  setFinishing(): void {
    this.finishing = true;
    this.show();
  }

  setFinal(state: RunState): void {
    this.final = state;
    this.show();
  }

  status(): RunStatus {
    return statusOf(this.state, {
      nowMs: Date.now(),
      runState: this.runState(),
      waits: [...this.waiting].map(([owner, wait]) => describeWait(owner, wait, Date.now())),
      underWay: this.underWay(),
      stall: this.stall && { sinceMs: this.stall.sinceMs, why: this.stall.why },
      historyEvents: workflowInfo().historyLength,
    });
  }

  /** Changes whenever the run has made something. */
  progressMark(): string {
    const { transitionsCollected, transitionsTrained, annotations, evaluations, prepared } = this.state;
    const labels = Object.values(annotations).map(({ made, known }) => made + known);
    return [prepared === null, transitionsCollected, transitionsTrained, evaluations.length, ...labels].join('/');
  }

  /** Shown until the mark changes. */
  setStall(mark: string, why: readonly string[]): void {
    this.stall = { mark, sinceMs: this.stall?.mark === mark ? this.stall.sinceMs : Date.now(), why };
    log.warn('no progress', { why });
    this.show();
  }

  /** Calls under way and how long they are. */
  underWay(): string[] {
    return [...this.running].map(([name, sinceMs]) => `${name} for ${seconds(Date.now() - sinceMs)}`);
  }

  /** No new work is begun while this is true. */
  get ending(): boolean {
    return this.draining || this.finishing || this.state.stopRequested;
  }

  /** Waits for `ready` under a name that the status shows. */
  async waitFor(owner: string, reason: string, ready: () => boolean): Promise<void> {
    if (ready()) return;
    this.waiting.set(owner, { reason, sinceMs: Date.now(), deadlineMs: null });
    try {
      await condition(ready);
    } finally {
      this.waiting.delete(owner);
    }
  }

  /** As `waitFor`, for at most `timeoutMs`; false where the time was over first. */
  async waitAtMost(owner: string, reason: string, timeoutMs: number, ready: () => boolean): Promise<boolean> {
    if (ready()) return true;
    this.waiting.set(owner, { reason, sinceMs: Date.now(), deadlineMs: Date.now() + timeoutMs });
    try {
      return await condition(ready, timeoutMs, { summary: `${owner}: ${reason}`.slice(0, 100) });
    } finally {
      this.waiting.delete(owner);
    }
  }

  decide(id: string, decision: Decision, by: string | null): void {
    this.decisions.set(id, { decision, by });
  }

  /**
   * Runs a step; where it fails for good it is parked and a person decides: retry (the step runs again), skip or stop
   * (undefined comes back; what that means is the caller's).
   * @param left says how the segments of the step end where it is left out; a step that has some may be voided too
   */
  async guarded<T>(stepName: string, run: () => Promise<T>, left?: (disposition: 'failed' | 'voided') => void): Promise<T | undefined> {
    for (;;) {
      this.running.set(stepName, Date.now());
      try {
        return await run();
      } catch (error) {
        this.running.delete(stepName);
        if (isCancellation(error)) throw error;
        const decision = await this.park(stepName, error, left !== undefined);
        if (decision === 'stop') this.apply({ type: 'stop-requested' });
        if (decision === 'retry') continue;
        left?.(decision === 'void' ? 'voided' : 'failed');
        return undefined;
      } finally {
        this.running.delete(stepName);
      }
    }
  }

  private async park(stepName: string, error: unknown, voidable: boolean): Promise<Decision> {
    const { code, message } = describeFailure(error);
    const id = `${this.state.attentionCount + 1}`;
    log.warn('step parked', { step: stepName, code, message });
    const sinceMs = Date.now();
    const choices = DECISIONS.filter((choice) => voidable || choice !== 'void');
    this.apply({ type: 'parked', attention: { id, step: stepName, code, message, choices, sinceMs } });
    await condition(() => this.decisions.has(id) || this.state.stopRequested);
    const { decision, by } = this.decisions.get(id) ?? { decision: 'stop' as const, by: null };
    this.decisions.delete(id);
    this.apply({ type: 'unparked', record: { id, step: stepName, code, decision, by, sinceMs, decidedAtMs: Date.now() } });
    return decision;
  }

  /**
   * Calls an activity on the queue of the worker that holds the live state; where that worker is gone or does not take
   * it, any worker of the pool does, and rebuilds from the store.
   */
  async affine<T>(pool: Pool, queue: string | null, call: (options: ActivityOptions) => Promise<T>, lost: () => void): Promise<T> {
    if (queue !== null) {
      try {
        return await call({ taskQueue: queue, scheduleToStartTimeout: AFFINE_START_TIMEOUT_MS, retry: { maximumAttempts: 1 } });
      } catch (error) {
        if (isCancellation(error) || isFinal(error)) throw error;
        log.info('worker of the live state is gone', { pool, queue });
        lost();
      }
    }
    return call({ taskQueue: TASK_QUEUES[pool] });
  }

  private runState(): RunState {
    if (this.final) return this.final;
    if (this.state.attention.length > 0) return 'NeedsAttention';
    if (this.finishing) return 'Finishing';
    if (this.state.paused) return 'Paused';
    if (this.stall !== null) return 'Stalled';
    return this.state.prepared ? 'Running' : 'Starting';
  }

  /** The live table costs no history; search attributes do, so they change with the state and with checkpoints only. */
  private show(): void {
    if (this.stall !== null && this.stall.mark !== this.progressMark()) this.stall = null;
    const runState = this.runState();
    if (runState !== this.shownState) {
      const before = this.shownState;
      this.shownState = runState;
      const updates = [{ key: ATTRIBUTES.state, value: runState as string }];
      if (before === undefined) upsertSearchAttributes([...updates, { key: ATTRIBUTES.task, value: this.state.job.environment.kind as string }, { key: ATTRIBUTES.needsAttention, value: false }]);
      else if ((before === 'NeedsAttention') !== (runState === 'NeedsAttention')) upsertSearchAttributes([...updates, { key: ATTRIBUTES.needsAttention, value: runState === 'NeedsAttention' }]);
      else upsertSearchAttributes(updates);
    }
    if (this.state.checkpoint !== this.shownVersion) {
      this.shownVersion = this.state.checkpoint;
      upsertSearchAttributes([{ key: ATTRIBUTES.version, value: this.shownVersion }]);
    }
    setCurrentDetails(runDetails(this.status()));
  }
}

interface Wait {
  readonly reason: string;
  readonly sinceMs: number;
  /** Null: it ends when its reason does. */
  readonly deadlineMs: number | null;
}

function describeWait(owner: string, { reason, sinceMs, deadlineMs }: Wait, nowMs: number): string {
  const until = deadlineMs === null ? '' : `, ${seconds(Math.max(0, deadlineMs - nowMs))} more at most`;
  return `${owner} waits: ${reason} (for ${seconds(nowMs - sinceMs)}${until})`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** True where no other worker would fare better. */
export function isFinal(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true;
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
