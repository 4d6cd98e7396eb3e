/**
 * Rebuilds a shard from the boundary of the segment before: each environment begins its episode anew from its seed and
 * takes the logged actions again. Shards go on from there as if they had never stopped.
 */
import { LaurelError } from '../../proto/errors.js';
import type { ActionSpace } from './environments/environment.js';
import type { EpisodeTrack } from './episode-track.js';
import { observationDigest } from './observation-digest.js';
import { boundActions, createActionBuffer } from './policy/sampling.js';
import type { SegmentBoundary } from './segment-boundary.js';
import type { ShardState } from './shard-state.js';

/** Begins the first episode in every environment. */
export async function beginShard(state: ShardState): Promise<void> {
  state.seq = 0;
  for (let index = 0; index < state.group.size; index++) await state.beginEpisode(index, 0);
}

/**
 * Brings `state` to where the boundary was written.
 * @returns transitions replayed.
 * @throws LaurelError LAUREL_ENVIRONMENT_NONDETERMINISTIC where a deterministic environment shows something else,
 *   LAUREL_ENVIRONMENT_FAILED where it dies.
 */
export async function rebuildShard(state: ShardState, boundary: SegmentBoundary): Promise<number> {
  checkFits(state, boundary);
  for (let index = 0; index < state.group.size; index++) await state.beginEpisode(index, boundary.episodes[index] as number);
  const ended = await replayActions(state, boundary);
  state.inference.setState(boundary.stateEnd);
  state.seq = boundary.seq + 1;
  for (let index = 0; index < state.group.size; index++) {
    const found = ended.has(index) ? 'an end of the episode' : observationDigest(state.group, index);
    if (found === boundary.observationDigests[index]) continue;
    if (state.group.deterministic) throw nondeterministic(state, boundary, index, found);
    // Nothing can bring this episode back: it is counted as failed, and the next one begins.
    state.abandoned++;
    await state.beginEpisode(index, (boundary.episodes[index] as number) + 1);
  }
  return boundary.episodeSteps.reduce((total, steps) => total + steps, 0);
}

/** Steps all environments through their logs together. @returns environments whose episode ended on the way. */
async function replayActions(state: ShardState, boundary: SegmentBoundary): Promise<ReadonlySet<number>> {
  const { group, outcome } = state;
  const { action } = group.spaces;
  const width = action.kind === 'discrete' ? 1 : action.size;
  const actions = createActionBuffer(action, group.size);
  const bounded = createActionBuffer(action, group.size);
  const logs = boundary.episodeActions.map((bytes) => actionLog(action, bytes));
  const ended = new Set<number>();
  const longest = Math.max(0, ...boundary.episodeSteps);
  let only: number[] = Array.from({ length: group.size }, (_, index) => index);
  for (let step = 0; step < longest; step++) {
    if (only.some((index) => step >= (boundary.episodeSteps[index] as number) || ended.has(index))) {
      only = only.filter((index) => step < (boundary.episodeSteps[index] as number) && !ended.has(index));
    }
    for (const index of only) {
      const log = logs[index] as Int32Array | Float32Array;
      for (let at = 0; at < width; at++) actions[index * width + at] = log[step * width + at] as number;
    }
    boundActions(action, actions, bounded);
    const stepped = group.step(bounded, outcome, only);
    if (stepped !== undefined) await stepped;
    for (const index of only) {
      const track = state.episodes[index] as EpisodeTrack;
      track.add(index, actions, outcome.rewards);
      const text = outcome.texts[index] as Uint8Array;
      if (text.length > 0) track.texts.add(text);
      if (outcome.failed[index] === 1 && group.deterministic) throw failedAgain(state, boundary, index, step);
      if (outcome.terminated[index] === 1 || outcome.truncated[index] === 1 || outcome.failed[index] === 1) ended.add(index);
    }
  }
  return ended;
}

function actionLog(space: ActionSpace, bytes: Uint8Array): Int32Array | Float32Array {
  const { buffer } = bytes.slice();
  return space.kind === 'discrete' ? new Int32Array(buffer) : new Float32Array(buffer);
}

function checkFits(state: ShardState, boundary: SegmentBoundary): void {
  const { run, shard } = state.identity;
  const { group } = state;
  if (boundary.run !== run || boundary.shard !== shard || boundary.episodes.length !== group.size || boundary.stateEnd.length !== state.inference.state.length) {
    throw new LaurelError(
      'LAUREL_INVARIANT_VIOLATED',
      `expected the boundary of run ${run}, shard ${shard}, with ${group.size} environments and ${state.inference.state.length} values of memory, got run ${boundary.run}, shard ${boundary.shard}, with ${boundary.episodes.length} and ${boundary.stateEnd.length}`,
    );
  }
}

/** The environment lived past this step before: another try may well succeed. */
function failedAgain(state: ShardState, boundary: SegmentBoundary, index: number, step: number): LaurelError {
  return new LaurelError(
    'LAUREL_ENVIRONMENT_FAILED',
    `expected environment ${index} of shard ${state.identity.shard} to live through the ${boundary.episodeSteps[index]} logged steps of episode ${boundary.episodes[index]}, it failed at step ${step} while the shard was rebuilt`,
    { environment: index, step },
  );
}

function nondeterministic(state: ShardState, boundary: SegmentBoundary, index: number, found: string): LaurelError {
  const { run, shard } = state.identity;
  const steps = boundary.episodeSteps[index];
  return new LaurelError(
    'LAUREL_ENVIRONMENT_NONDETERMINISTIC',
    `expected environment ${index} of shard ${shard} to show observation ${boundary.observationDigests[index]} after ${steps} steps of episode ${boundary.episodes[index]}, got ${found}; all its randomness must come from the episode's seed`,
    { run, shard, environment: index, episode: boundary.episodes[index], steps },
  );
}
