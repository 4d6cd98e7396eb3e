/**
 * Notices that a run makes no progress and says why from facts: what is under way, and which pools have no workers. A
 * step that is merely slow is named too; the run is not touched.
 */
import { CancellationScope, condition, isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import { TASK_QUEUES, type PoolFacts, type WorkflowsActivities } from '../proto/activities.js';
import type { RunContext } from './run-context.js';

/** A worker begins a poll at least this often, so a queue without one for this long has no worker. */
const POLL_AGE_MS_MAX = 75_000;

/** Longest pause between two looks at a run that stands still; `schedule.watchMs` may be longer. */
const WATCH_MS_MAX = 15 * 60_000;

const pools = proxyActivities<WorkflowsActivities>({ taskQueue: TASK_QUEUES.workflows, scheduleToCloseTimeout: '20s', startToCloseTimeout: '10s', retry: { maximumAttempts: 2 } });

export interface Watchdog {
  stop(): Promise<void>;
}

/** Looks every `schedule.watchMs`; one timer each, so a long run pays a few events a minute. */
export function startWatchdog(context: RunContext): Watchdog {
  const scope = new CancellationScope();
  const watching = scope.run(() => watch(context)).catch((error: unknown) => {
    if (!isCancellation(error)) throw error;
  });
  return {
    async stop() {
      scope.cancel();
      await watching;
    },
  };
}

async function watch(context: RunContext): Promise<void> {
  const { watchMs } = context.state.job.schedule;
  for (let pauseMs = watchMs; ; ) {
    // A pause is no stall, and costs no timers.
    await condition(() => !context.state.paused);
    const before = context.progressMark();
    context.watchAtMs = Date.now() + pauseMs;
    await sleep(pauseMs, { summary: 'watchdog' });
    context.watchAtMs = null;
    if (context.progressMark() !== before || context.state.paused) {
      pauseMs = watchMs;
      continue;
    }
    context.setStall(before, await whyStalled(context));
    // What stands still for days must not fill the history.
    pauseMs = Math.max(watchMs, Math.min(WATCH_MS_MAX, 2 * pauseMs));
  }
}

async function whyStalled(context: RunContext): Promise<string[]> {
  const underWay = context.underWay();
  try {
    const facts = await pools.describePools.executeWithOptions({ summary: 'no progress: which pools have workers?' }, []);
    return [...facts.filter(isDeserted).map(describeDeserted), ...underWay];
  } catch (error) {
    if (isCancellation(error)) throw error;
    return ['which pools have workers could not be found out', ...underWay];
  }
}

export function isDeserted({ lastPollMs }: PoolFacts): boolean {
  return lastPollMs === null || lastPollMs > POLL_AGE_MS_MAX;
}

export function describeDeserted({ pool, queue, lastPollMs, backlog }: PoolFacts): string {
  const last = lastPollMs === null ? 'none was seen in the last minutes' : `the last asked for work ${Math.round(lastPollMs / 1000)} s ago`;
  const waiting = backlog > 0 ? `; ${backlog} ${backlog === 1 ? 'call waits' : 'calls wait'} there` : '';
  return `no worker of the pool ${pool} (${queue}): ${last}${waiting}; start one with \`laurel worker --pool ${pool}\``;
}
