/** The workflow `retentionSweep`: removes from the store what a run needs no more. Runs start it; it can be started by hand or on a schedule too. */
import { ApplicationFailure, condition, executeChild, isCancellation, log, patched, proxyActivities } from '@temporalio/workflow';
import { z } from 'zod';
import { TASK_QUEUES, type RewardActivities } from '../proto/activities.js';
import type { Job } from '../proto/job.js';
import type { SweepResult } from '../proto/retention.js';
import type { RunContext } from './run-context.js';

const sweepInputSchema = z.strictObject({ run: z.string().min(1).describe('Run whose store is swept by the retention of its job.') });

/** A sweep that does not get to its end goes on with the next one. */
const { sweep } = proxyActivities<Pick<RewardActivities, 'sweep'>>({
  taskQueue: TASK_QUEUES.reward,
  startToCloseTimeout: '30 minutes',
  scheduleToCloseTimeout: '1 hour',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

export async function retentionSweep(input: unknown): Promise<SweepResult> {
  const parsed = sweepInputSchema.safeParse(input);
  if (!parsed.success) throw ApplicationFailure.create({ type: 'LAUREL_JOB_INVALID', message: z.prettifyError(parsed.error), nonRetryable: true });
  return sweep.executeWithOptions({ summary: parsed.data.run }, [parsed.data]);
}

/** Sweeps beside the other loops of a run. A sweep that fails never touches the run; the next one makes up for it. */
export async function retentionLoop(context: RunContext, over: () => boolean): Promise<void> {
  const { run, job } = context.state;
  // Absent in a run that was begun before there was retention.
  const every = (job as Partial<Job>).retention?.sweepVersions ?? 0;
  if (every === 0) return;
  for (;;) {
    const due = (): boolean => (context.state.policy?.version ?? 0) >= (context.state.swept?.version ?? 0) + every;
    await condition(() => over() || due());
    if (over() || !patched('retention')) return;
    const version = context.state.policy!.version;
    try {
      const { objects, bytes } = await executeChild(retentionSweep, { workflowId: `${run}/sweep-${version}`, taskQueue: TASK_QUEUES.workflows, args: [{ run }], staticSummary: `after version ${version}` });
      context.apply({ type: 'swept', version, objects, bytes });
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('the sweep failed; the next one makes up for it', { error: String(error) });
      context.apply({ type: 'swept', version, objects: 0, bytes: 0 });
    }
  }
}
