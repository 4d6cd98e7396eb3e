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
  log as workflowLog,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { z } from 'zod';
import { LaurelError } from '../proto/errors.js';
import { budgetSchema } from '../proto/budget.js';
import { stopSchema } from '../proto/job.js';
import { partName } from '../proto/part-name.js';
import { steerableWeights } from '../proto/reward-check.js';
import { resolveJob, warningsOf } from '../proto/resolve.js';
import type { ControlInput, ControlRecord, Decision, DecisionInput, RunResult, RunStatus, SteerInput } from '../proto/status.js';
import { runAsync } from './async-loops.js';
import { checkControl, checkInput, parkedStep, refusal } from './decisions.js';
import { annotator, learner, RunContext } from './run-context.js';
import { asksJudge } from '../proto/reward-fits.js';
import { labelFirst, labelsFirst } from './label-first.js';
import { retentionLoop } from './retention-sweep.js';
import { runLockstep } from './lockstep-rounds.js';
import { endRun, evaluateVersion } from './run-end.js';
import { isCarried, pack, unpack } from './carried-state.js';
import { startWatchdog } from './watchdog.js';
import { nextEvaluation, stopReached } from './training-decisions.js';
import { initialState, shardsWanted, type TrainingState } from './training-state.js';

export const statusQuery = defineQuery<RunStatus>('status');
export const pauseUpdate = defineUpdate<string, [ControlInput?]>('pause');
export const resumeUpdate = defineUpdate<string, [ControlInput?]>('resume');
export const stopUpdate = defineUpdate<string, [ControlInput?]>('stop');
export const steerUpdate = defineUpdate<string, [SteerInput]>('steer');
export const retryUpdate = defineUpdate<string, [DecisionInput?]>('retry');
export const skipUpdate = defineUpdate<string, [DecisionInput?]>('skip');
export const voidUpdate = defineUpdate<string, [DecisionInput?]>('void');

/**
 * Trains a policy. The argument is the job file as JSON; the workflow id is the id of the run.
 * Fails with the type LAUREL_JOB_INVALID, before anything starts, where the job is wrong.
 */
export async function trainingRun(input: unknown): Promise<RunResult> {
  const context = new RunContext(begin(input));
  setHandlers(context);
  context.apply(isCarried(input) ? { type: 'continued' } : { type: 'begun' });
  const watchdog = startWatchdog(context);
  try {
    if (!(await prepare(context))) return await stoppedEarly(context);
    // Not awaited without need: one turn more would put the commands of a recorded run in another order.
    if (labelsFirst(context.state)) await labelFirst(context);
    const draining = drainWhenHistoryIsLong(context);
    await Promise.race([work(context), draining.failed]);
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

/** The loops, up to the end of the run or to the border at which it continues as new. */
async function work(context: RunContext): Promise<void> {
  const beside = retentionLoop(context, () => context.ending || stopReached(context.state, Date.now()));
  const loops = context.state.job.schedule.mode === 'lockstep' ? [runLockstep(context), beside] : [runAsync(context), evaluationLoop(context), beside];
  try {
    await Promise.all(loops);
  } catch (error) {
    if (isCancellation(error)) await Promise.allSettled(loops);
    throw error;
  }
}

function begin(input: unknown): TrainingState {
  if (isCarried(input)) return unpack(input);
  try {
    return initialState(workflowInfo().workflowId, resolveJob(input), Date.now());
  } catch (error) {
    if (error instanceof LaurelError) throw ApplicationFailure.create({ type: error.code, message: error.message, nonRetryable: true, details: [error.details] });
    throw error;
  }
}

/** False where it was left out: there is nothing to go on with. */
async function prepare(context: RunContext): Promise<boolean> {
  const { run, job } = context.state;
  if (!context.state.prepared) {
    for (const warning of warningsOf(job)) workflowLog.warn(warning.message, { ...warning });
    const result = await context.guarded('prepare the run', () => learner.prepareRun.executeWithOptions({ summary: `${job.environment.kind}, ${job.policy.kind} ${job.policy.preset}` }, [{ run, job }]));
    if (!result) return false;
    context.apply({ type: 'prepared', result });
    if (job.evaluate.untrained) await evaluateVersion(context, result.policy);
  }
  for (const [source, spec] of Object.entries(job.sources)) {
    if (spec.kind !== 'model' || !asksJudge(spec.fit) || context.state.annotations[source]) continue;
    const log = await context.guarded(`open annotator ${source}`, () => annotator.openAnnotator.executeWithOptions({ summary: source }, [{ annotator: spec.annotator }]));
    if (log) context.apply({ type: 'annotator-opened', source, log });
  }
  return true;
}

async function stoppedEarly(context: RunContext): Promise<RunResult> {
  const result = await endRun(context, 'stopped');
  await condition(allHandlersFinished);
  return result;
}

/** Evaluations on the way, beside the other loops. */
async function evaluationLoop(context: RunContext): Promise<void> {
  if (nextEvaluation(context.state) === Infinity) return;
  for (;;) {
    const next = nextEvaluation(context.state);
    const due = (): boolean => !context.state.paused && (context.state.policy?.version ?? 0) >= next;
    const over = (): boolean => context.ending || stopReached(context.state, Date.now());
    await context.waitFor('evaluation', () => (context.state.paused ? 'the run is paused' : `version ${next}`), () => over() || due());
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
    }, (error: unknown) => {
      // A cancel is told by the loops, when all of them have ended.
      if (!isCancellation(error)) reject(error instanceof Error ? error : new Error(String(error)));
    });
  });
  return { failed, stop: () => void (stopped = true) };
}

async function carryOn(context: RunContext): Promise<never> {
  await condition(allHandlersFinished);
  return continueAsNew<(input: unknown) => Promise<RunResult>>(pack(context.state));
}

function setHandlers(context: RunContext): void {
  setHandler(statusQuery, () => context.status(), { description: 'Everything that the run knows of itself, as numbers.' });
  const control = (action: ControlRecord['action'], answer: string) => (input?: ControlInput) => {
    const by = input?.by ?? null;
    context.apply({ type: 'controlled', record: { action, by, atMs: Date.now() } });
    // At the end itself nothing else would tell a parked step.
    if (action === 'stop') for (const { id } of context.state.attention) context.decide(id, 'stop', by);
    return answer;
  };
  setHandler(pauseUpdate, control('pause', 'no new work is begun; calls under way finish'), { description: 'Begin no new work until `resume`: nothing, or {"by": "ann"}.', validator: checkControl });
  setHandler(resumeUpdate, control('resume', 'running'), { description: 'Go on after `pause`: nothing, or {"by": "ann"}.', validator: checkControl });
  setHandler(stopUpdate, control('stop', 'work under way finishes, then the run is evaluated and its summary written'), { description: 'Finish what is under way, evaluate, write the summary and end: nothing, or {"by": "ann"}.', validator: checkControl });
  setHandler(
    steerUpdate,
    (steer: SteerInput) => {
      context.apply({ type: 'steered', steer, atMs: Date.now() });
      const { weights, stop, annotationBounds, policy } = context.state;
      const bounds = annotationBounds === undefined || Object.keys(annotationBounds).length === 0 ? '' : `, annotation ${JSON.stringify(annotationBounds)}`;
      return `from version ${policy?.version ?? 0} on: weights ${JSON.stringify(weights)}, stop ${JSON.stringify(stop)}, ${shardsWanted(context.state)} shards${bounds}`;
    },
    { description: 'Change weights, stop criterion, number of shards, bounds of annotation: {"weights": {"game": 0.2}, "stop": {"transitions": 1000000}, "shards": 4, "annotation": {"helpful": {"callMs": 2000, "budget": {"run": {"calls": 5000}}}}}.', validator: (steer: SteerInput) => validateSteer(context.state, steer) },
  );
  const decide = (decision: Decision) => (input?: DecisionInput) => {
    const parked = parkedStep(context.state.attention, decision, input);
    context.decide(parked.id, decision, input?.by ?? null);
    return `${decision}: ${parked.step}`;
  };
  const validator = (decision: Decision) => (input?: DecisionInput): void => void parkedStep(context.state.attention, decision, input);
  setHandler(retryUpdate, decide('retry'), { description: 'Try a parked step again: {"id": "1"}, or {} for the oldest.', validator: validator('retry') });
  setHandler(voidUpdate, decide('void'), { description: 'Leave a parked step out and count its segments as voided: {"id": "1"}, or {} for the oldest.', validator: validator('void') });
  setHandler(skipUpdate, decide('skip'), { description: 'Leave a parked step out: {"id": "1"}, or {} for the oldest.', validator: validator('skip') });
}

const steerSchema = z.strictObject({
  weights: z.record(z.string().regex(/^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*){0,2}$/), z.number()).optional(),
  stop: stopSchema.optional(),
  shards: z.int().min(1).max(1000).optional(),
  annotation: z.record(partName, z.strictObject({ callMs: z.int().min(100).max(600_000).optional(), pendingMax: z.int().min(1).max(1_000_000).optional(), budget: budgetSchema.optional() })).optional(),
  by: z.string().min(1).max(200).optional(),
});

function validateSteer(state: TrainingState, steer: SteerInput): void {
  const { weights, stop, shards, annotation } = checkInput(steerSchema, steer);
  for (const name of Object.keys(weights ?? {})) {
    const known = steerableWeights(state.job);
    if (!known.includes(name)) throw refusal(`expected the name of a weight (${known.join(', ')}), got ${name}`);
  }
  for (const name of Object.keys(annotation ?? {})) {
    const source = state.job.sources[name];
    if (source?.kind !== 'model') throw refusal(`expected the name of a source with an annotator, got ${name}`);
    const budget = annotation?.[name]?.budget;
    if (budget?.hour !== undefined && state.job.schedule.mode === 'lockstep') throw refusal('expected no budget of an hour in mode lockstep');
    if (source.annotator.price == null && Object.values(budget ?? {}).some((limits) => limits?.money !== undefined)) throw refusal(`expected a budget of calls or tokens: the job gives no price for ${name}`);
  }
  if (weights === undefined && stop === undefined && shards === undefined && annotation === undefined) throw refusal('expected weights, stop, shards or annotation');
}
