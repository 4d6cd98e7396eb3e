/** The activities of the pool `workflows`: what only the server knows. */
import { TASK_QUEUES, type Pool, type PoolFacts, type WorkflowsActivities } from '../proto/activities.js';

/** What the server says of a queue. */
export interface QueueDescription {
  /** Times of the last polls, milliseconds since 1970; one for each poller that was seen lately. */
  readonly pollsAtMs: readonly number[];
  /** Calls that wait in the queue, about. */
  readonly backlog: number;
}

/** @param describeQueue asks the server about activities of a queue */
export function createWorkflowsActivities(describeQueue: (queue: string) => Promise<QueueDescription>): WorkflowsActivities {
  return {
    async describePools() {
      const pools = (Object.keys(TASK_QUEUES) as Pool[]).filter((pool) => pool !== 'workflows');
      return Promise.all(
        pools.map(async (pool): Promise<PoolFacts> => {
          const queue = TASK_QUEUES[pool];
          const { pollsAtMs, backlog } = await describeQueue(queue);
          return { pool, queue, pollers: pollsAtMs.length, lastPollMs: pollsAtMs.length === 0 ? null : Math.max(0, Date.now() - Math.max(...pollsAtMs)), backlog };
        }),
      );
    },
  };
}
