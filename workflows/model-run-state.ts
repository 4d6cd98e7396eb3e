/** The state of a run without rollouts: plain JSON, changed only by `modelStep(state, event)`; what continue-as-new carries. */
import type { MetricsLine } from '../proto/activities.js';
import type { FitModelResult, MadeParts, MakeTablesResult } from '../proto/preference-activities.js';
import type { ModelJob } from '../proto/preference-job.js';
import { planSteps, type PlannedStep } from '../proto/preference-plan.js';
import type { ArtifactRef, EvaluationRef } from '../proto/references.js';
import type { Attention, ControlRecord, DecisionRecord, RunState, RunStatus, StepStatus } from '../proto/status.js';
import { withControl, withDecided, withParked } from './parked-steps.js';

export interface ModelStepState {
  readonly plan: PlannedStep;
  readonly state: StepStatus['state'];
  /** Optimiser steps done, and the checkpoint of the last of them. */
  readonly done: number;
  readonly checkpoint: ArtifactRef | null;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface ModelRunState extends MadeParts {
  readonly run: string;
  readonly job: ModelJob;
  readonly startedAtMs: number;
  readonly continuedRuns: number;
  readonly spec: ArtifactRef | null;
  readonly steps: readonly ModelStepState[];
  readonly evaluations: readonly EvaluationRef[];
  readonly optimiserSteps: number;
  readonly metrics: readonly MetricsLine[];
  readonly metricsParts: number;
  readonly attention: readonly Attention[];
  readonly attentionCount: number;
  readonly decisions: readonly DecisionRecord[];
  readonly paused: boolean;
  readonly stopRequested: boolean;
  /** Who asked for it; null or absent: nobody was named. */
  readonly stoppedBy?: string | null;
  /** The newest of `pause`, `resume` and `stop`. Absent: none. */
  readonly controls?: readonly ControlRecord[];
}

export type ModelRunEvent =
  | { readonly type: 'tables-made'; readonly result: MakeTablesResult }
  | { readonly type: 'curated'; readonly name: string; readonly table: ArtifactRef }
  | { readonly type: 'fitted'; readonly name: string; readonly to: number; readonly result: FitModelResult; readonly atMs: number }
  | { readonly type: 'evaluated'; readonly name: string; readonly evaluation: EvaluationRef }
  | { readonly type: 'left-out'; readonly kind: PlannedStep['kind']; readonly name: string }
  | { readonly type: 'metrics-appended'; readonly lines: number }
  | { readonly type: 'parked'; readonly attention: Attention }
  | { readonly type: 'unparked'; readonly record: DecisionRecord }
  | { readonly type: 'controlled'; readonly record: ControlRecord }
  /** By a decision about a parked step, which is on record. */
  | { readonly type: 'stop-requested' }
  | { readonly type: 'begun' }
  | { readonly type: 'continued' };

export function initialModelState(run: string, job: ModelJob, startedAtMs: number): ModelRunState {
  const steps = planSteps(job).map((plan): ModelStepState => ({ plan, state: 'waiting', done: 0, checkpoint: null, metrics: {} }));
  return { run, job, startedAtMs, continuedRuns: 0, spec: null, tables: {}, models: {}, steps, evaluations: [], optimiserSteps: 0, metrics: [], metricsParts: 0, attention: [], attentionCount: 0, decisions: [], paused: false, stopRequested: false };
}

/** The next state. Pure: neither argument is changed. */
export function modelStep(state: ModelRunState, event: ModelRunEvent): ModelRunState {
  switch (event.type) {
    case 'tables-made':
      return { ...state, spec: event.result.spec, tables: { ...state.tables, ...event.result.tables } };
    case 'curated':
      return { ...state, tables: { ...state.tables, [event.name]: event.table }, steps: changed(state, 'curate', event.name, { state: 'done' }) };
    case 'fitted':
      return fitted(state, event);
    case 'evaluated':
      return { ...state, evaluations: [...state.evaluations, event.evaluation], steps: changed(state, 'evaluate', event.name, { state: 'done' }) };
    case 'left-out':
      return { ...state, steps: changed(state, event.kind, event.name, { state: 'left-out' }) };
    case 'metrics-appended':
      return { ...state, metrics: state.metrics.slice(event.lines), metricsParts: state.metricsParts + 1 };
    case 'parked':
      return withParked(state, event.attention);
    case 'unparked':
      return withDecided(state, event.record);
    case 'controlled':
      return withControl(state, event.record);
    case 'stop-requested':
      return { ...state, stopRequested: true, paused: false };
    case 'begun':
      return state;
    case 'continued':
      return { ...state, continuedRuns: state.continuedRuns + 1 };
    default: {
      const never: never = event;
      throw new TypeError(`unknown event ${JSON.stringify(never)}`);
    }
  }
}

function fitted(state: ModelRunState, { name, to, result, atMs }: Extract<ModelRunEvent, { type: 'fitted' }>): ModelRunState {
  const before = state.steps.find(({ plan }) => plan.kind === 'fit' && plan.name === name);
  const optimiserSteps = state.optimiserSteps + to - (before?.done ?? 0);
  const line: MetricsLine = { version: optimiserSteps, transitions: 0, elapsedMs: atMs - state.startedAtMs, values: Object.fromEntries(Object.entries(result.metrics).map(([key, value]) => [`${name}.${key}`, value])) };
  return {
    ...state,
    optimiserSteps,
    metrics: [...state.metrics, line],
    models: result.model === null ? state.models : { ...state.models, [name]: result.model },
    steps: changed(state, 'fit', name, { done: to, checkpoint: result.checkpoint, metrics: result.metrics, state: result.model === null ? 'waiting' : 'done' }),
  };
}

function changed(state: ModelRunState, kind: PlannedStep['kind'], name: string, change: Partial<ModelStepState>): ModelStepState[] {
  return state.steps.map((one) => (one.plan.kind === kind && one.plan.name === name ? { ...one, ...change } : one));
}

/** What a step needs and nobody will make any more: empty where it can run when its turn comes. */
export function missingFor(state: ModelRunState, { needs }: PlannedStep): string[] {
  return [...needs.tables.filter((name) => !(name in state.tables)), ...needs.models.filter((name) => !(name in state.models))];
}

/** What the activities of a step are given. */
export function partsFor(state: ModelRunState, { needs }: PlannedStep): MadeParts {
  const chosen = <T>(names: readonly string[], from: Readonly<Record<string, T>>): Record<string, T> => Object.fromEntries(names.map((name) => [name, from[name] as T]));
  return { tables: chosen(needs.tables, state.tables), models: chosen(needs.models, state.models) };
}

export interface ModelStatusContext {
  readonly nowMs: number;
  readonly runState: RunState;
  readonly underWay: readonly string[];
  readonly waits: readonly string[];
  readonly historyEvents: number;
}

/** As the status of a training run; what such a run has and this has not is 0 or empty. */
export function modelStatusOf(state: ModelRunState, context: ModelStatusContext): RunStatus {
  const parameters = state.steps.reduce((sum, { metrics }) => sum + (metrics['parameters'] ?? 0), 0);
  const none = { collected: 0, trained: 0, stale: 0, filtered: {}, failed: {}, voided: 0, open: 0 };
  const work = (done: (step: ModelStepState) => number): number => state.steps.reduce((sum, step) => sum + done(step), 0);
  const total = work(({ plan }) => plan.steps + 1);
  const finished = work((step) => (step.state === 'waiting' ? step.done : step.plan.steps + 1));
  return {
    run: state.run,
    job: state.job.name,
    state: context.runState,
    mode: 'lockstep',
    environment: state.job.data.kind,
    startedAtMs: state.startedAtMs,
    elapsedMs: context.nowMs - state.startedAtMs,
    stop: {},
    progress: total === 0 ? 1 : finished / total,
    version: state.optimiserSteps,
    checkpoint: state.optimiserSteps,
    parameters,
    transitionsCollected: 0,
    transitionsTrained: 0,
    transitionsPerSecond: 0,
    lagLast: 0,
    lagMax: 0,
    segmentsQueued: 0,
    annotations: [],
    rewards: {},
    learner: {},
    episodes: { count: 0, failed: 0, lengthMean: null, returnMeans: {}, statisticMeans: {} },
    evaluations: state.evaluations,
    ledger: none,
    attention: state.attention,
    decisions: state.decisions,
    ...(state.controls === undefined ? {} : { controls: state.controls }),
    stall: null,
    underWay: context.underWay,
    waits: context.waits,
    weights: {},
    historyEvents: context.historyEvents,
    continuedRuns: state.continuedRuns,
    stepMsP50: 0,
    stepMsP99: 0,
    spentMs: {},
    steps: state.steps.map(({ plan, state: stepState, done, metrics }) => ({ kind: plan.kind, name: plan.name, state: stepState, done, of: plan.steps, metrics })),
  };
}
