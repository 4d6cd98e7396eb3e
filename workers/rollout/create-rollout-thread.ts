import { threadUrl } from '../threads.js';
import { RolloutThread } from './rollout-thread.js';

/** The host of a rollout worker: environments and policy in a thread of their own. */
export function createRolloutThread(): RolloutThread {
  return new RolloutThread(threadUrl(import.meta.url, './shard-thread.js'));
}
