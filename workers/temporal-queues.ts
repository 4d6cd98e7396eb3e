/** What the server knows of a task queue. */
import type { NativeConnection } from '@temporalio/worker';
import type { QueueDescription } from '../activities/workflows.js';

/** TASK_QUEUE_TYPE_ACTIVITY of Temporal's API. */
const ACTIVITY_QUEUE = 2;

export async function describeQueue(connection: NativeConnection, namespace: string, queue: string): Promise<QueueDescription> {
  const { pollers, stats } = await connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType: ACTIVITY_QUEUE, reportStats: true });
  const pollsAtMs = (pollers ?? []).flatMap(({ lastAccessTime }) => (lastAccessTime ? [Number(lastAccessTime.seconds) * 1000 + (lastAccessTime.nanos ?? 0) / 1e6] : []));
  return { pollsAtMs, backlog: Number(stats?.approximateBacklogCount ?? 0) };
}
