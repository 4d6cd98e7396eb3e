/** Runs as a client sees them: submit, look, steer. The same calls work from any Temporal client. */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, isGrpcServiceError, WorkflowExecutionAlreadyStartedError, type Connection, type WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import { isModelJob, type AnyJob } from '../../proto/resolve.js';
import type { RunResult, RunStatus } from '../../proto/status.js';
import { layout } from '../../workers/store/layout.js';
import type { ObjectStore } from '../../workers/store/object-store.js';
import type { RunHistory } from '../../workers/verify/history-facts.js';
import { isUnknownWorkflow } from './failure.js';
import type { RunFacts } from './run-choice.js';
import { constantWeights, sourcesIn } from '../../proto/reward-combine.js';

const GRPC_RESOURCE_EXHAUSTED = 8;
const BUSY_TRIES_MAX = 40;
const BUSY_PAUSE_MS = 250;

/** The workflow of a job. */
export function workflowTypeOf(job: AnyJob): 'trainingRun' | 'rewardModelRun' {
  return isModelJob(job) ? 'rewardModelRun' : 'trainingRun';
}

export class RunClient {
  private readonly client: Client;

  constructor(connection: Connection, namespace: string) {
    this.client = new Client({ connection, namespace });
  }

  /** Starts a run; the job is sent as its author wrote it, and the workflow resolves it again. */
  async submit(run: string, input: unknown, job: AnyJob): Promise<void> {
    try {
      await this.client.workflow.start(workflowTypeOf(job), {
        workflowId: run,
        taskQueue: TASK_QUEUES.workflows,
        args: [input],
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        staticSummary: describeJob(job),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      throw new LaurelError('LAUREL_JOB_INVALID', `expected a run id that is not in use, got ${run}; look at it with \`laurel status ${run}\`, or give another with --id or --fresh`, { run }, { cause: error });
    }
  }

  handle(run: string): WorkflowHandle {
    return this.client.workflow.getHandle(run);
  }

  /** The status that the workflow answers. Needs a worker of the pool `workflows`. */
  async status(run: string): Promise<RunStatus> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.handle(run).query<RunStatus>('status');
      } catch (error) {
        // The server holds one query for each workflow task; several people who look at a busy run must wait their turn.
        if (tried >= BUSY_TRIES_MAX || !isServerBusy(error)) throw error;
        await new Promise((resolve) => setTimeout(resolve, BUSY_PAUSE_MS));
      }
    }
  }

  update(run: string, name: string, input?: unknown): Promise<string> {
    const handle = this.handle(run);
    return input === undefined ? handle.executeUpdate<string, []>(name) : handle.executeUpdate<string, [unknown]>(name, { args: [input] });
  }

  /**
   * The result of a run, however long it takes; a server that is gone for a while is waited for.
   * @throws where the signal is aborted, at once, also where it was before the call
   */
  async result(run: string, signal: AbortSignal): Promise<RunResult> {
    // Each of the client's long polls leaves a listener behind: they go with a signal of this wait's own.
    const own = AbortSignal.any([signal]);
    setMaxListeners(0, own);
    for (;;) {
      // The client listens for the event alone: a signal that is aborted already would be waited for to the run's end.
      signal.throwIfAborted();
      try {
        return (await this.client.withAbortSignal(own, () => this.handle(run).result())) as RunResult;
      } catch (error) {
        if (signal.aborted || !isServerGone(error)) throw error;
        await sleep(1000, undefined, { signal });
      }
    }
  }

  async facts(run: string, store: ObjectStore): Promise<RunFacts> {
    const [description, stored, summarised] = await Promise.all([this.describe(run), store.exists(layout.spec(run)), store.exists(layout.summary(run))]);
    const workflow = description === undefined ? undefined : description === 'RUNNING' ? 'open' : 'closed';
    return { workflow, ended: workflow === 'closed' ? description : undefined, stored, summarised };
  }

  /** Calls that failed and are tried again by Temporal, one sentence each: they are in no status, for the workflow does not see them. */
  async retries(run: string): Promise<string[]> {
    const description = await this.handle(run).describe();
    return (description.raw.pendingActivities ?? []).flatMap((activity) => {
      const attempt = activity.attempt ?? 1;
      if (attempt < 2 || !activity.lastFailure) return [];
      const failure = innermost(activity.lastFailure);
      const code = failure.applicationFailureInfo?.type;
      return [`${activity.activityType?.name ?? 'a call'} failed ${attempt - 1} ${attempt === 2 ? 'time' : 'times'}: ${code ? `${code} ` : ''}${failure.message ?? ''}`];
    });
  }

  /** The histories of a run and of all that it continues, the first one first. */
  async histories(run: string): Promise<RunHistory[]> {
    const found: RunHistory[] = [];
    for (let runId: string | undefined = (await this.handle(run).describe()).runId; runId; ) {
      const events: RunHistory['events'] = (await this.client.workflow.getHandle(run, runId).fetchHistory()).events ?? [];
      found.unshift({ runId, events });
      runId = events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? undefined;
    }
    return found;
  }

  /** Name of the state of the workflow, as Temporal says it; undefined where there is none. */
  async describe(run: string): Promise<string | undefined> {
    try {
      return (await this.handle(run).describe()).status.name;
    } catch (error) {
      if (isUnknownWorkflow(error)) return undefined;
      throw error;
    }
  }
}

/** One line for Temporal's list of runs. */
export function describeJob(job: AnyJob): string {
  if (isModelJob(job)) return describeModelJob(job);
  return describeTrainingJob(job);
}

function describeModelJob({ data, sources, learn, evaluate }: Extract<AnyJob, { data: unknown }>): string {
  const fits = Object.values(sources).flatMap((source) => (source.kind === 'model' ? [source.fit.kind] : []));
  const parts = [...new Set(fits), ...new Set(Object.values(learn).map((one) => (one.kind === 'preference' ? one.loss : one.kind === 'weighted-mle' ? one.weights : one.kind)))];
  return `${data.kind}: ${parts.length === 0 ? 'evaluation only' : parts.join(', ')}; ${Object.keys(evaluate).length} evaluations`.slice(0, 200);
}

function describeTrainingJob(job: Job): string {
  const task = job.environment.kind === 'nethack' ? `nethack ${job.environment.task}` : job.environment.kind === 'gymnasium' ? job.environment.id : job.environment.kind;
  const sources = Object.entries(constantWeights(job.combine)).map(([name, weight]) => `${name} x ${weight}`);
  const tree = job.combine.op === 'linear' ? '' : `${job.combine.op} of ${[...sourcesIn(job.combine)].join(', ')}`;
  return `${task}: ${[tree, sources.join(', ')].filter((part) => part !== '').join('; ')}`.slice(0, 200);
}

/** UNAVAILABLE, CANCELLED, DEADLINE_EXCEEDED, UNKNOWN: what a client sees of a server that dies or starts. */
function isServerGone(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 14 || code === 1 || code === 4 || code === 2 || (error instanceof Error && error.name === 'ServiceError');
}

interface Failure {
  readonly message?: string | null;
  readonly cause?: Failure | null;
  readonly applicationFailureInfo?: { readonly type?: string | null } | null;
}

/** The outermost failure that has a code of its own, else the innermost: what a person can act on. */
function innermost(failure: Failure): Failure {
  let at = failure;
  while (at.cause && !at.applicationFailureInfo?.type?.startsWith('LAUREL_')) at = at.cause;
  return at;
}

function isServerBusy(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return isGrpcServiceError(cause) && Number(cause.code) === GRPC_RESOURCE_EXHAUSTED;
}
