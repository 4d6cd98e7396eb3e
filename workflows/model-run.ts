/** The workflow `rewardModelRun`: tables, curation, fits, policies and evaluations, one after the other. */
import { allHandlersFinished, ApplicationFailure, CancellationScope, condition, continueAsNew, isCancellation, proxyActivities, setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { TASK_QUEUES } from '../proto/activities.js';
import { LaurelError } from '../proto/errors.js';
import type { ModelLearnerActivities, ModelRewardActivities } from '../proto/preference-activities.js';
import type { PlannedStep } from '../proto/preference-plan.js';
import { resolveModelJob } from '../proto/resolve.js';
import type { ControlInput, ControlRecord, Decision, DecisionInput, RunResult, RunState, RunStatus } from '../proto/status.js';
import { initialModelState, missingFor, modelStatusOf, modelStep, partsFor, type ModelRunEvent, type ModelRunState } from './model-run-state.js';
import { modelRunDetails } from './model-run-details.js';
import { ParkedSteps, wasSkipped } from './parked-steps.js';
import { ATTRIBUTES, CALL_OPTIONS, reward, SHORT_END } from './run-context.js';
import { checkControl, parkedStep } from './decisions.js';
import { pauseUpdate, resumeUpdate, retryUpdate, skipUpdate, statusQuery, stopUpdate, voidUpdate } from './training-run.js';

const tables = proxyActivities<ModelRewardActivities>({ ...CALL_OPTIONS, taskQueue: TASK_QUEUES.reward });
const fits = proxyActivities<ModelLearnerActivities>({ ...CALL_OPTIONS, taskQueue: TASK_QUEUES.learner });

/** Lines of metrics in one part. */
const METRICS_LINES_MAX = 64;
const OUTCOMES = { completed: 'Completed', stopped: 'Stopped', cancelled: 'Cancelled' } as const;

interface Carried {
  readonly laurelCarried: 1;
  readonly state: ModelRunState;
}

class ModelRunContext {
  private shown: RunState | undefined;
  private waiting: string | null = null;
  private final: RunState | undefined;
  /** The loops are over. */
  finishing = false;
  /** The run was cancelled: a step that fails is left out, nobody is asked. */
  short = false;
  readonly steps = new ParkedSteps({
    attentionCount: () => this.state.attentionCount,
    // What fails after the stop, at the end itself, is for a person again.
    stopRequested: () => this.state.stopRequested && !this.finishing,
    stoppedBy: () => this.state.stoppedBy ?? null,
    onParked: (attention) => this.apply({ type: 'parked', attention }),
    onUnparked: (record) => this.apply({ type: 'unparked', record }),
    onStop: () => this.apply({ type: 'stop-requested' }),
    short: () => this.short,
  });

  constructor(public state: ModelRunState) {}

  apply(event: ModelRunEvent): void {
    this.state = modelStep(this.state, event);
    this.show();
  }

  setFinal(state: RunState): void {
    this.final = state;
    this.show();
  }

  status(): RunStatus {
    return modelStatusOf(this.state, { nowMs: Date.now(), runState: this.runState(), underWay: this.steps.underWay(), waits: this.waiting === null ? [] : [this.waiting], historyEvents: workflowInfo().historyLength });
  }

  /** Resolves at once unless the run is paused. */
  async whileNotPaused(): Promise<void> {
    if (!this.state.paused) return;
    this.waiting = 'run waits: the run is paused';
    await condition(() => !this.state.paused);
    this.waiting = null;
  }

  private runState(): RunState {
    if (this.final) return this.final;
    if (this.state.attention.length > 0) return 'NeedsAttention';
    if (this.state.paused) return 'Paused';
    return this.state.spec ? 'Running' : 'Starting';
  }

  private show(): void {
    const now = this.runState();
    if (now !== this.shown) {
      const updates = [{ key: ATTRIBUTES.state, value: now as string }];
      if (this.shown === undefined) upsertSearchAttributes([...updates, { key: ATTRIBUTES.task, value: this.state.job.data.kind as string }, { key: ATTRIBUTES.needsAttention, value: now === 'NeedsAttention' }]);
      else if ((this.shown === 'NeedsAttention') !== (now === 'NeedsAttention')) upsertSearchAttributes([...updates, { key: ATTRIBUTES.needsAttention, value: now === 'NeedsAttention' }]);
      else upsertSearchAttributes(updates);
      this.shown = now;
    }
    setCurrentDetails(modelRunDetails(this.status()));
  }
}

/**
 * A run without rollouts. The argument is the job file as JSON; the workflow id is the id of the run.
 * Fails with the type LAUREL_JOB_INVALID, before anything starts, where the job is wrong.
 */
export async function rewardModelRun(input: unknown): Promise<RunResult> {
  const context = new ModelRunContext(begin(input));
  setHandlers(context);
  context.apply(isCarried(input) ? { type: 'continued' } : { type: 'begun' });
  try {
    const made = await makeTables(context);
    for (const { plan } of context.state.steps) {
      if (!made || context.state.stopRequested) break;
      await context.whileNotPaused();
      await runStep(context, plan);
      await appendMetrics(context, METRICS_LINES_MAX);
    }
    const result = await finish(context, !made || context.state.stopRequested ? 'stopped' : 'completed');
    await condition(allHandlersFinished);
    return result;
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => finish(context, 'cancelled'));
    throw error;
  }
}

function isCarried(input: unknown): input is Carried {
  return typeof input === 'object' && input !== null && (input as Partial<Carried>).laurelCarried === 1 && 'state' in input;
}

function begin(input: unknown): ModelRunState {
  if (isCarried(input)) return input.state;
  try {
    return initialModelState(workflowInfo().workflowId, resolveModelJob(input), Date.now());
  } catch (error) {
    if (error instanceof LaurelError) throw ApplicationFailure.create({ type: error.code, message: error.message, nonRetryable: true, details: [error.details] });
    throw error;
  }
}

/** False where it was left out: there is nothing to go on with. */
async function makeTables(context: ModelRunContext): Promise<boolean> {
  const { run, job, spec } = context.state;
  if (spec !== null) return true;
  const result = await context.steps.guarded('make the tables', () => tables.makeTables.executeWithOptions({ summary: job.data.kind }, [{ run, job }]));
  if (result) context.apply({ type: 'tables-made', result });
  return result !== undefined;
}

/** A step that is done already (the run continued as new) is passed over; one that needs what was left out is left out too. */
async function runStep(context: ModelRunContext, plan: PlannedStep): Promise<void> {
  const before = context.state.steps.find((one) => one.plan.kind === plan.kind && one.plan.name === plan.name);
  if (before?.state !== 'waiting') return;
  const { kind, name } = plan;
  if (missingFor(context.state, plan).length > 0) return context.apply({ type: 'left-out', kind, name });
  const { run } = context.state;
  const parts = partsFor(context.state, plan);
  if (kind === 'fit') return fit(context, plan);
  if (kind === 'curate') {
    const table = await context.steps.guarded(`curate ${name}`, () => tables.curateTable.executeWithOptions({ summary: name }, [{ run, name, ...parts }]));
    context.apply(table ? { type: 'curated', name, table } : { type: 'left-out', kind, name });
  } else {
    const index = context.state.steps.filter((one) => one.plan.kind === 'evaluate').findIndex((one) => one.plan.name === name);
    const evaluation = await context.steps.guarded(`evaluate ${name}`, () => tables.evaluateModel.executeWithOptions({ summary: name }, [{ run, name, index, ...parts }]));
    context.apply(evaluation ? { type: 'evaluated', name, evaluation } : { type: 'left-out', kind, name });
  }
}

/** Calls of `stepsPerCall` steps; each ends with a checkpoint, and the run may be stopped, paused or continued between them. */
async function fit(context: ModelRunContext, plan: PlannedStep): Promise<void> {
  const { name, steps } = plan;
  for (;;) {
    const at = context.state.steps.find((one) => one.plan.kind === 'fit' && one.plan.name === name);
    if (at === undefined || at.done >= steps || context.state.stopRequested) return;
    await context.whileNotPaused();
    if (historyIsLong(context.state)) await carryOn(context);
    const { run, job } = context.state;
    const from = at.done;
    const to = Math.min(steps, from + job.schedule.stepsPerCall);
    const input = { run, name, parent: at.checkpoint, from, to, ...partsFor(context.state, plan) };
    const result = await context.steps.guarded(`fit ${name}, steps ${from + 1}-${to}`, () => fits.fitModel.executeWithOptions({ summary: `${name} · steps ${from + 1}-${to} of ${steps}` }, [input]));
    if (!result) return context.apply({ type: 'left-out', kind: 'fit', name });
    context.apply({ type: 'fitted', name, to, result, atMs: Date.now() });
  }
}

function historyIsLong(state: ModelRunState): boolean {
  return workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > state.job.schedule.historyEventsMax;
}

async function carryOn(context: ModelRunContext): Promise<never> {
  await condition(allHandlersFinished);
  return continueAsNew<(input: unknown) => Promise<RunResult>>({ laurelCarried: 1, state: context.state } satisfies Carried);
}

/** Writes the gathered metric lines as the next part of metrics.jsonl, where there are so many. */
async function appendMetrics(context: ModelRunContext, least: number): Promise<void> {
  const { run, metrics, metricsParts } = context.state;
  if (metrics.length < least) return;
  const name = `metrics part ${metricsParts}`;
  const done = await context.steps.guarded(name, async () => {
    await reward.appendMetrics.executeWithOptions({ ...(context.short ? SHORT_END : {}), summary: `part ${metricsParts}` }, [{ run, part: metricsParts, lines: metrics }]);
    return true;
  });
  if (done || wasSkipped(context.state, name)) context.apply({ type: 'metrics-appended', lines: metrics.length });
}

async function finish(context: ModelRunContext, outcome: keyof typeof OUTCOMES): Promise<RunResult> {
  context.finishing = true;
  context.short = outcome === 'cancelled';
  await appendMetrics(context, 1);
  const { run, evaluations, optimiserSteps } = context.state;
  const status = context.status();
  const summary = { outcome, status, metricsParts: context.state.metricsParts };
  const finished = await context.steps.guarded('write the summary', () => reward.finishRun.executeWithOptions({ ...(context.short ? SHORT_END : {}), summary: outcome }, [{ run, outcome, summary, evaluations }]));
  context.setFinal(OUTCOMES[outcome]);
  return { run, outcome, version: optimiserSteps, transitionsTrained: 0, summaryKey: finished?.summary.key ?? '', ledger: status.ledger };
}

function setHandlers(context: ModelRunContext): void {
  setHandler(statusQuery, () => context.status(), { description: 'Everything that the run knows of itself, as numbers.' });
  const control = (action: ControlRecord['action'], answer: string) => (input?: ControlInput) => {
    const by = input?.by ?? null;
    context.apply({ type: 'controlled', record: { action, by, atMs: Date.now() } });
    // At the end itself nothing else would tell a parked step.
    if (action === 'stop') for (const { id } of context.state.attention) context.steps.decide(id, 'stop', by);
    return answer;
  };
  setHandler(pauseUpdate, control('pause', 'no new work is begun; calls under way finish'), { description: 'Begin no new work until `resume`: nothing, or {"by": "ann"}.', validator: checkControl });
  setHandler(resumeUpdate, control('resume', 'running'), { description: 'Go on after `pause`: nothing, or {"by": "ann"}.', validator: checkControl });
  setHandler(stopUpdate, control('stop', 'the call under way finishes, then the summary is written'), { description: 'Finish the call under way, write the summary and end: nothing, or {"by": "ann"}.', validator: checkControl });
  const decide = (decision: Decision) => (input?: DecisionInput) => {
    const parked = parkedStep(context.state.attention, decision, input);
    context.steps.decide(parked.id, decision, input?.by ?? null);
    return `${decision}: ${parked.step}`;
  };
  const validator = (decision: Decision) => (input?: DecisionInput): void => void parkedStep(context.state.attention, decision, input);
  setHandler(retryUpdate, decide('retry'), { description: 'Try a parked step again: {"id": "1"}, or {} for the oldest.', validator: validator('retry') });
  // No step of such a run holds segments: refused with that reason.
  setHandler(voidUpdate, decide('void'), { description: 'Of a run with rollouts.', validator: validator('void') });
  setHandler(skipUpdate, decide('skip'), { description: 'Leave a parked step out, and with it what needs its result: {"id": "1"}, or {} for the oldest.', validator: validator('skip') });
}
