/** Which worker processes run on this machine. */
import { cpus } from 'node:os';
import type { Pool } from '../../proto/activities.js';

export const POOLS = ['workflows', 'rollout', 'annotator', 'reward', 'learner'] as const satisfies readonly Pool[];

export interface WorkerPlan {
  /** Unique on this machine: the pool, and a number where the pool has several processes. */
  readonly name: string;
  readonly pool: Pool;
}

/** One process for each pool; rollout gets one for each spare core, and one core is left for everything else. */
export function planWorkers(cores: number = cpus().length, pools: readonly Pool[] = POOLS): WorkerPlan[] {
  return pools.flatMap((pool): WorkerPlan[] => {
    if (pool !== 'rollout') return [{ name: pool, pool }];
    const count = Math.max(1, Math.floor(cores) - 1);
    return Array.from({ length: count }, (_, index) => ({ name: count === 1 ? 'rollout' : `rollout-${index + 1}`, pool }));
  });
}
