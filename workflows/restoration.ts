/**
 * What a run does about an object that is damaged or gone: whatever follows from other objects is made again by the pool
 * that made it, and the step that missed it is tried again. Each of these calls stands in the history.
 */
import { ActivityFailure, ApplicationFailure, isCancellation, log } from '@temporalio/workflow';
import type { UpdateBatch } from '../proto/activities.js';
import type { SegmentRef } from '../proto/references.js';
import { placeOf, type Damage } from '../proto/restoration.js';
import { learner, reward, rollout, type RunContext } from './run-context.js';

/** Objects made again for one step; more damage than that is for a person. */
const OBJECTS_MAX = 32;
/** How often one object is made again for one step: a disk that spoils what it is given must not be fed for ever. */
const TIMES_MAX = 2;
/** What is made again may need something that must be made again first, and so on. */
const DEPTH_MAX = 16;

/** What a step knows of its inputs; the workers find the rest in the store. */
export interface Known {
  readonly segments?: readonly SegmentRef[];
  readonly batches?: readonly UpdateBatch[];
}

/**
 * Calls until it works or what is damaged cannot be made again; the failure is then the one of the last call.
 * @param again whether the call is tried again as it is, after so many failures in a row. Default: never
 */
export async function mending<T>(context: RunContext, known: Known, call: () => Promise<T>, again?: (error: unknown, failures: number) => Promise<boolean>): Promise<T> {
  const times = new Map<string, number>();
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (error) {
      if (again !== undefined && (await again(error, failures))) continue;
      const damage = damageOf(error);
      if (damage === null || !(await mend(context, damage, known, times))) throw error;
      failures = 0;
    }
  }
}

/** Makes an object again, within the bounds of one step. @param times how often each was, in this step */
export async function mend(context: RunContext, damage: Damage, known: Known, times: Map<string, number>): Promise<boolean> {
  const before = times.get(damage.key) ?? 0;
  if (before >= TIMES_MAX || times.size >= OBJECTS_MAX) return false;
  times.set(damage.key, before + 1);
  return restore(context, damage, known, 0);
}

async function restore(context: RunContext, damage: Damage, known: Known, depth: number): Promise<boolean> {
  for (let attempt = 0; attempt < DEPTH_MAX; attempt++) {
    try {
      const made = await callRestore(context, damage, known);
      if (made !== null) context.apply({ type: 'restored', kind: made });
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      const deeper = damageOf(error);
      log.warn('cannot be made again yet', { key: damage.key, needs: deeper?.key ?? null, error: String(error) });
      if (deeper === null || deeper.key === damage.key || depth >= DEPTH_MAX) return false;
      if (!(await restore(context, deeper, known, depth + 1))) return false;
    }
  }
  return false;
}

/** @returns what was made; null: it was whole after all */
async function callRestore(context: RunContext, { key, digest }: Damage, known: Known): Promise<string | null> {
  const { run, policy, shards } = context.state;
  const place = placeOf(key);
  const summary = `make again ${key.slice(`runs/${run}/`.length)}`;
  const input = { run, key, digest };
  const kind = place?.kind;
  switch (kind) {
    case 'segment': {
      const inHand = [...(known.segments ?? []), ...(known.batches ?? []).flatMap(({ segments }) => segments), ...shards.flatMap(({ previous }) => previous ?? [])];
      const segment = inHand.find((one) => one.key === key);
      const { made } = await rollout.restoreSegment.executeWithOptions({ summary }, [
        { ...input, digest: digest ?? segment?.digest ?? null, policyVersion: segment?.policyVersion ?? null, policy: policy?.version === segment?.policyVersion ? policy : null },
      ]);
      return made ? kind : null;
    }
    case 'reward': {
      const batch = (known.batches ?? []).find(({ rewards }) => rewards.some((one) => one.key === key));
      const index = batch?.rewards.findIndex((one) => one.key === key) ?? -1;
      const { made } = await reward.restoreReward.executeWithOptions({ summary }, [{ ...input, segment: batch?.segments[index] ?? null, scoring: batch?.scoring ?? null }]);
      return made ? kind : null;
    }
    case 'policy':
    case 'checkpoint': {
      const { made } = await learner.restoreVersion.executeWithOptions({ summary }, [input]);
      return made ? kind : null;
    }
    default:
      throw ApplicationFailure.nonRetryable(`${key} follows from nothing`, 'LAUREL_STORE_CORRUPT', { key });
  }
}

/** The damaged object that a failed call names, where it is one that can be made again; else null. */
export function damageOf(error: unknown): Damage | null {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure) || (cause.type !== 'LAUREL_STORE_CORRUPT' && cause.type !== 'LAUREL_STORE_MISSING')) return null;
  const [details] = (cause.details ?? []) as [{ key?: unknown; digest?: unknown }?];
  const { key, digest } = details ?? {};
  if (typeof key !== 'string' || placeOf(key) === null) return null;
  return { key, digest: typeof digest === 'string' ? digest : null };
}

/** The segment among `segments` that a failure is about: itself, or rewards of it. */
export function segmentOf(error: unknown, segments: readonly SegmentRef[]): SegmentRef | null {
  const damage = damageOf(error);
  const place = damage && placeOf(damage.key);
  if (place?.kind !== 'segment' && place?.kind !== 'reward') return null;
  return segments.find(({ shard, seq }) => shard === place.shard && seq === place.seq) ?? null;
}
