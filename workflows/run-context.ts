/** What the loops of one run share: the state, the named waits, the parked steps, and how activities are called. */
import {
  ActivityCancellationType,
  condition,
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
  type ActivityOptions,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { TASK_QUEUES, type AnnotatorActivities, type LearnerActivities, type Pool, type RewardActivities, type RolloutActivities } from '../proto/activities.js';
import type { Decision, RunState, RunStatus } from '../proto/status.js';
import { ATTEMPTS_MAX, CALL_MS_MAX, first, HEARTBEAT_TIMEOUT_MS, isFinal, ParkedSteps, seconds, TRY_PAUSE_MS, TRY_PAUSE_MS_MAX } from './parked-steps.js';
import { LINES_MAX, runDetails } from './run-details.js';
import { stopReached } from './training-decisions.js';
import { statusOf } from './training-metrics.js';
import type { TrainingEvent, TrainingState } from './training-state.js';
import { step } from './training-step.js';

export const ATTRIBUTES = {
  state: defineSearchAttributeKey('LaurelState', 'KEYWORD'),
  task: defineSearchAttributeKey('LaurelTask', 'KEYWORD'),
  needsAttention: defineSearchAttributeKey('LaurelNeedsAttention', 'BOOL'),
  version: defineSearchAttributeKey('LaurelVersion', 'INT'),
};

/** How long a call waits for the worker that holds the live state before any worker of the pool may take it. */
const AFFINE_START_TIMEOUT_MS = 5_000;

export const CALL_OPTIONS = { startToCloseTimeout: CALL_MS_MAX, heartbeatTimeout: HEARTBEAT_TIMEOUT_MS, retry: { initialInterval: TRY_PAUSE_MS, maximumInterval: TRY_PAUSE_MS_MAX, maximumAttempts: ATTEMPTS_MAX } } as const;
/** Of the short end of a run (cancelled): nothing may hold it for long. */
export const SHORT_END = { scheduleToCloseTimeout: '60s', retry: { initialInterval: '1s', maximumAttempts: 3 } } as const;

export const rollout = proxyActivities<RolloutActivities>({ ...CALL_OPTIONS, taskQueue: TASK_QUEUES.rollout });
export const annotator = proxyActivities<AnnotatorActivities>({ ...CALL_OPTIONS, taskQueue: TASK_QUEUES.annotator });
export const reward = proxyActivities<RewardActivities>({ ...CALL_OPTIONS, taskQueue: TASK_QUEUES.reward });
/** A call that is cancelled is waited for: the versions that it has made by then count. */
export const learner = proxyActivities<LearnerActivities>({ ...CALL_OPTIONS, taskQueue: TASK_QUEUES.learner, cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED });

export class RunContext {
  /** Set when the workflow is about to continue as new: loops end at their next border. */
  draining = false;
  /** The run was cancelled: a step that fails is left out, nobody is asked. */
  short = false;
  /** When the watchdog looks next; null: it does not. */
  watchAtMs: number | null = null;
  private readonly waiting = new Map<string, Wait>();
  private stall: { readonly mark: string; readonly sinceMs: number; readonly why: readonly string[] } | null = null;
  private shownState: RunState | undefined;
  private shownVersion = 0;
  private finishing = false;
  private final: RunState | undefined;
  private readonly steps = new ParkedSteps({
    attentionCount: () => this.state.attentionCount,
    // What fails after the stop, at the end itself, is for a person again.
    stopRequested: () => this.state.stopRequested && !this.finishing,
    stoppedBy: () => this.state.stoppedBy ?? null,
    onParked: (attention) => this.apply({ type: 'parked', attention }),
    onUnparked: (record) => this.apply({ type: 'unparked', record }),
    onStop: () => this.apply({ type: 'stop-requested' }),
    goesOnWithout: () => !this.finishing && ((this.draining && this.state.job.schedule.mode === 'async') || stopReached(this.state, Date.now())),
    short: () => this.short,
  });

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

  /** @param linesMax waits and calls told of at most */
  status(linesMax = Number.POSITIVE_INFINITY): RunStatus {
    return statusOf(this.state, {
      nowMs: Date.now(),
      runState: this.runState(),
      waits: first(this.waiting, linesMax).map(([owner, wait]) => describeWait(owner, wait, this.watchAtMs, Date.now())),
      underWay: this.underWay(linesMax),
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
  underWay(linesMax = Number.POSITIVE_INFINITY): string[] {
    return this.steps.underWay(linesMax);
  }

  /** No new work is begun while this is true. */
  get ending(): boolean {
    return this.draining || this.finishing || this.state.stopRequested;
  }

  /** Waits for `ready` under a name that the status shows; a reason that may change while it waits is a function. */
  async waitFor(owner: string, reason: string | (() => string), ready: () => boolean): Promise<void> {
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
    this.steps.decide(id, decision, by);
  }

  /** See ParkedSteps.guarded. */
  guarded<T>(stepName: string, run: () => Promise<T>, left?: (disposition: 'failed' | 'voided') => void): Promise<T | undefined> {
    return this.steps.guarded(stepName, run, left);
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
    setCurrentDetails(runDetails(this.status(LINES_MAX), this.waiting.size + this.steps.callsUnderWay));
  }
}

interface Wait {
  readonly reason: string | (() => string);
  readonly sinceMs: number;
  /** Null: it ends when its reason does. */
  readonly deadlineMs: number | null;
}

/** A wait without a deadline of its own is looked into by the watchdog. */
function describeWait(owner: string, { reason, sinceMs, deadlineMs }: Wait, watchAtMs: number | null, nowMs: number): string {
  const left = (atMs: number): string => seconds(Math.max(0, atMs - nowMs));
  const until = deadlineMs !== null ? `, ${left(deadlineMs)} more at most` : watchAtMs !== null ? `, looked into in ${left(watchAtMs)}` : '';
  return `${owner} waits: ${typeof reason === 'string' ? reason : reason()} (for ${seconds(nowMs - sinceMs)}${until})`;
}
