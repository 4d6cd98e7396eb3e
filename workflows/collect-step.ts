/**
 * One call of a shard. The policy may have moved on when a call has to be made again (its worker was killed, told to leave,
 * or could not write), so the run makes every try itself, with the newest policy, and the server makes none. What tries
 * before have stored stands: a worker takes it over as it is, and plays on from there.
 */
import { isCancellation, patched, type ActivityOptions } from '@temporalio/workflow';
import type { CollectResult } from '../proto/activities.js';
import { describeFailure, isFinal, pauseBeforeTry } from './parked-steps.js';
import { mending } from './restoration.js';
import { rollout, type RunContext } from './run-context.js';

export async function collectShard(context: RunContext, shard: number): Promise<void> {
  const { nextSeq, segmentsPerCall } = context.state.shards[shard]!;
  const what = `shard ${shard} · segments ${nextSeq}-${nextSeq + segmentsPerCall - 1}`;
  const call = (options: ActivityOptions): Promise<CollectResult> => {
    const { run, shards } = context.state;
    const policy = context.state.policy!;
    const input = { run, shard, seq: nextSeq, segments: segmentsPerCall, policy, previous: shards[shard]!.previous };
    return rollout.collect.executeWithOptions({ ...options, retry: { maximumAttempts: 1 }, summary: `${what} · policy ${policy.version}` }, [input]);
  };
  const result = await context.guarded(`collect ${what}`, () =>
    mending(
      context,
      {},
      () => context.affine('rollout', context.state.shards[shard]!.queue, call, () => context.apply({ type: 'shard-queue-lost', shard })),
      (error, failures) => mayTryAgain(context, shard, error, failures),
    ),
  );
  if (result) context.apply({ type: 'collected', shard, result, atMs: Date.now() });
}

/** Waits until the next try is due; false where there is none. @param failures in a row */
async function mayTryAgain(context: RunContext, shard: number, error: unknown, failures: number): Promise<boolean> {
  if (isCancellation(error) || isFinal(error)) return false;
  const failure = describeFailure(error);
  const pauseMs = pauseBeforeTry(failure.code, failures);
  // In a run that was begun when the server made the tries, they have been made.
  if (pauseMs === null || !patched('collect-tries')) return false;
  await context.waitAtMost(`shard ${shard}`, `try ${failures} failed, the next one follows: ${failure.code} ${failure.message}`, pauseMs, () => false);
  return true;
}
