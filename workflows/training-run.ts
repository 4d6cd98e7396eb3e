/** The workflow `trainingRun`: what happens in a run, in order. */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { LaurelError } from '../proto/errors.js';
import { stopSchema } from '../proto/job.js';
import { resolveJob } from '../proto/resolve.js';
import type { Attention, Decision, DecisionInput, RunResult, RunStatus, SteerInput } from '../proto/status.js';
import { runAsync } from './async-loops.js';
import { annotator, learner, RunContext } from './run-context.js';
import { runLockstep } from './lockstep-rounds.js';
import { endRun, evaluateVersion } from './run-end.js';
import { startWatchdog } from './watchdog.js';
import { stopReached } from './training-decisions.js';
import { initialState, type TrainingState } from './training-state.js';

export const statusQuery = defineQuery<RunStatus>('status');
export const pauseUpdate = defineUpdate<string, []>('pause');
export const resumeUpdate = defineUpdate<string, []>('resume');
export const stopUpdate = defineUpdate<string, []>('stop');
export const steerUpdate = defineUpdate<string, [SteerInput]>('steer');
export const retryUpdate = defineUpdate<string, [DecisionInput?]>('retry');
export const skipUpdate = defineUpdate<string, [DecisionInput?]>('skip');
export const voidUpdate = defineUpdate<string, [DecisionInput?]>('void');

/** What a run carries when it continues as new. */
interface Carried {
  readonly laurelCarried: 1;
  readonly state: TrainingState;
}

/**
 * Trains a policy. The argument is the job file as JSON; the workflow id is the id of the run.
 * Fails with the type LAUREL_JOB_INVALID, before anything starts, where the job is wrong.
 */
export async function trainingRun(input: unknown): Promise<RunResult> {
  const context = new RunContext(begin(input));
  setHandlers(context);
  context.apply(isCarried(input) ? { type: 'continued' } : { type: 'resumed' });
  const watchdog = startWatchdog(context);
  try {
    await prepare(context);
    const draining = drainWhenHistoryIsLong(context);
    const { mode } = context.state.job.schedule;
    const loops = mode === 'lockstep' ? runLockstep(context) : Promise.all([runAsync(context), evaluationLoop(context)]).then(() => undefined);
    await Promise.race([loops, draining.failed]);
    const ended = context.state.stopRequested || stopReached(context.state, Date.now());
    draining.stop();
    await watchdog.stop();
    if (!ended) return await carryOn(context);
    const result = await endRun(context, context.state.stopRequested ? 'stopped' : 'completed');
    await condition(allHandlersFinished);
    return result;
  } catch (error) {
    if (isCancellation(error)) await CancellationScope.nonCancellable(() => endRun(context, 'cancelled'));
    throw error;
  }
}

function isCarried(input: unknown): input is Carried {
  return typeof input === 'object' && input !== null && (input as Partial<Carried>).laurelCarried === 1 && 'state' in input;
}

function begin(input: unknown): TrainingState {
  if (isCarried(input)) return input.state;
  try {
    return initialState(workflowInfo().workflowId, resolveJob(input), Date.now());
  } catch (error) {
    if (error instanceof LaurelError) throw ApplicationFailure.create({ type: error.code, message: error.message, nonRetryable: true, details: [error.details] });
    throw error;
  }
}

async function prepare(context: RunContext): Promise<void> {
  const { run, job } = context.state;
  if (!context.state.prepared) {
    const result = await context.guarded('prepare the run', () => learner.prepareRun.executeWithOptions({ summary: `${job.environment.kind}, ${job.policy.kind} ${job.policy.preset}` }, [{ run, job }]));
    if (!result) throw ApplicationFailure.create({ type: 'LAUREL_WORKER_FAILED', message: 'the run was stopped before it could be prepared', nonRetryable: true });
    context.apply({ type: 'prepared', result });
    if (job.evaluate.untrained) await evaluateVersion(context, result.policy);
  }
  for (const [source, spec] of Object.entries(job.sources)) {
    if (spec.kind !== 'model' || context.state.annotations[source]) continue;
    const log = await context.guarded(`open annotator ${source}`, () => annotator.openAnnotator.executeWithOptions({ summary: source }, [{ annotator: spec.annotator }]));
    if (log) context.apply({ type: 'annotator-opened', source, log });
  }
}

/** Evaluations on the way, beside the other loops. */
async function evaluationLoop(context: RunContext): Promise<void> {
  const every = context.state.job.schedule.evaluateVersions;
  if (every === 0) return;
  for (;;) {
    const evaluated = Math.max(0, ...context.state.evaluations.map((one) => one.version));
    const due = (): boolean => (context.state.policy?.version ?? 0) >= evaluated + every;
    const over = (): boolean => context.ending || stopReached(context.state, Date.now());
    await context.waitFor('evaluation', `version ${evaluated + every}`, () => over() || due());
    if (over()) return;
    await evaluateVersion(context, context.state.policy!);
  }
}

/** Sets `draining` when the history has become long; the loops then end at their next border. */
function drainWhenHistoryIsLong(context: RunContext): { failed: Promise<never>; stop: () => void } {
  let stopped = false;
  const limit = context.state.job.schedule.historyEventsMax;
  const failed = new Promise<never>((_resolve, reject) => {
    condition(() => stopped || workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > limit).then(() => {
      if (!stopped) context.draining = true;
    }, reject);
  });
  return { failed, stop: () => void (stopped = true) };
}

async function carryOn(context: RunContext): Promise<never> {
  await condition(allHandlersFinished);
  const carried: Carried = { laurelCarried: 1, state: context.state };
  return continueAsNew<(input: unknown) => Promise<RunResult>>(carried);
}

function setHandlers(context: RunContext): void {
  setHandler(statusQuery, () => context.status(), { description: 'Everything that the run knows of itself, as numbers.' });
  setHandler(
    pauseUpdate,
    () => {
      context.apply({ type: 'paused' });
      return 'no new work is begun; calls under way finish';
    },
    { description: 'Begin no new work until `resume`.' },
  );
  setHandler(
    resumeUpdate,
    () => {
      context.apply({ type: 'resumed' });
      return 'running';
    },
    { description: 'Go on after `pause`.' },
  );
  setHandler(
    stopUpdate,
    () => {
      context.apply({ type: 'stop-requested' });
      return 'work under way finishes, then the run is evaluated and its summary written';
    },
    { description: 'Finish what is under way, evaluate, write the summary and end.' },
  );
  setHandler(
    steerUpdate,
    (steer: SteerInput) => {
      context.apply({ type: 'steered', ...steer });
      return `weights ${JSON.stringify(context.state.weights)}, stop ${JSON.stringify(context.state.stop)}`;
    },
    { description: 'Change reward weights or the stop criterion: {"weights": {"game": 0.2}, "stop": {"transitions": 1000000}}.', validator: (steer: SteerInput) => validateSteer(context.state, steer) },
  );
  const decide = (decision: Decision) => (input?: DecisionInput) => {
    const parked = parkedStep(context.state, input);
    context.decide(parked.id, decision, input?.by ?? null);
    return `${decision}: ${parked.step}`;
  };
  const validator = (input?: DecisionInput): void => void parkedStep(context.state, input);
  const mayVoid = (input?: DecisionInput): void => {
    const parked = parkedStep(context.state, input);
    if (!parked.choices.includes('void')) throw new Error(`expected a step that holds segments, ${parked.step} holds none; its choices: ${parked.choices.join(', ')}`);
  };
  setHandler(retryUpdate, decide('retry'), { description: 'Try a parked step again: {"id": "1"}, or {} for the oldest.', validator });
  setHandler(voidUpdate, decide('void'), { description: 'Leave a parked step out and count its segments as voided: {"id": "1"}, or {} for the oldest.', validator: mayVoid });
  setHandler(skipUpdate, decide('skip'), { description: 'Leave a parked step out: {"id": "1"}, or {} for the oldest.', validator });
}

function validateSteer(state: TrainingState, steer: SteerInput): void {
  for (const [name, weight] of Object.entries(steer?.weights ?? {})) {
    if (!(name in state.job.sources)) throw new Error(`expected the name of a source (${Object.keys(state.job.sources).join(', ')}), got ${name}`);
    if (!Number.isFinite(weight)) throw new Error(`expected a number as weight of ${name}, got ${String(weight)}`);
  }
  if (steer?.stop !== undefined) {
    const parsed = stopSchema.safeParse(steer.stop);
    if (!parsed.success) throw new Error(`expected a stop criterion: ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
  }
  if (steer?.weights === undefined && steer?.stop === undefined) throw new Error('expected weights or stop');
}

/** The step that a decision is about: the one it names, else the oldest. @throws Error where there is none */
function parkedStep(state: TrainingState, input?: DecisionInput): Attention {
  const [oldest] = state.attention;
  if (oldest === undefined) throw new Error('nothing needs attention');
  if (input?.id === undefined) return oldest;
  const named = state.attention.find((one) => one.id === input.id);
  if (named === undefined) throw new Error(`expected one of the parked steps ${state.attention.map((one) => one.id).join(', ')}, got ${input.id}`);
  return named;
}
