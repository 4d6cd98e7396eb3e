/** A played segment as the bytes of its file: the transitions and the boundary, each an Arrow stream. */
import { binary, binaryFrom, fixedSizeList, primitive, tableBytes, utf8, type Column } from '../../proto/flight/tables.js';
import type { EpisodeSums } from '../../proto/references.js';
import { BOUNDARY_COLUMNS, SEGMENT_COLUMNS, tableMetadata } from '../../proto/schemas.js';
import type { ObservationBuffer, Spaces } from './environments/environment.js';
import { seal, UNSEALED } from '../store/seal.js';
import { observationDigest } from './observation-digest.js';
import type { BoundaryBody, SegmentBody } from './segment-body.js';
import { elementCount, type SegmentBuffers } from './segment-buffers.js';
import type { ShardState } from './shard-state.js';

export interface PlayedSegment {
  /** Where the shard stands after the last step; `seq` still that of the segment. */
  readonly state: ShardState;
  readonly buffers: SegmentBuffers;
  readonly policyVersion: number;
  readonly episodes: EpisodeSums;
  /** Memory before the first step, `environments * stateSize` values. */
  readonly stateStart: Float32Array;
}

export interface EncodedSegment {
  readonly bytes: Uint8Array;
  readonly body: SegmentBody;
}

export function encodeSegment(played: PlayedSegment): EncodedSegment {
  const { run, shard, seed, segmentSteps } = played.state.identity;
  const { group, seq, inference } = played.state;
  const body: SegmentBody = {
    run,
    shard,
    seq,
    policyVersion: played.policyVersion,
    environments: group.size,
    steps: segmentSteps,
    segmentStart: seq * segmentSteps,
    seed,
    spaces: group.spaces,
    episodes: played.episodes,
  };
  const boundaryBody: BoundaryBody = { run, shard, seq, environments: group.size, stateSize: inference.stateSize, digest: UNSEALED };
  const transitions = tableBytes(transitionColumns(played.buffers, group.spaces), { metadata: tableMetadata('segment', body) });
  const boundary = tableBytes(boundaryColumns(played), { metadata: tableMetadata('segment-boundary', boundaryBody) });
  const bytes = new Uint8Array(transitions.byteLength + boundary.byteLength);
  bytes.set(transitions);
  bytes.set(boundary, transitions.byteLength);
  return { bytes: seal(bytes, transitions.byteLength), body };
}

function transitionColumns(buffers: SegmentBuffers, spaces: Spaces): Column[] {
  const c = SEGMENT_COLUMNS;
  const texts = buffers.orderedTexts();
  return [
    primitive(c.environment, buffers.environment),
    primitive(c.episode, buffers.episode),
    primitive(c.step, buffers.step),
    ...buffers.observations.map(({ name, target, width }) => fixedSizeList(c.observationPrefix + name, target, width)),
    spaces.action.kind === 'discrete' ? primitive(c.action, buffers.action) : fixedSizeList(c.action, buffers.action, spaces.action.size),
    primitive(c.behaviourLogProb, buffers.behaviourLogProb),
    valueColumn(c.value, buffers.value, buffers.valueCount),
    valueColumn(c.bootstrapValue, buffers.bootstrapValue, buffers.valueCount),
    fixedSizeList(c.envReward, buffers.envReward, spaces.rewards.length),
    primitive(c.terminated, buffers.terminated),
    primitive(c.truncated, buffers.truncated),
    binaryFrom(c.text, texts.offsets, texts.bytes),
    primitive(c.textCount, buffers.textCount),
    primitive(c.policyVersion, buffers.policyVersion),
  ];
}

function valueColumn(name: string, values: Float32Array, count: number): Column {
  return count === 1 ? primitive(name, values) : fixedSizeList(name, values, count);
}

function boundaryColumns({ state, buffers, stateStart }: PlayedSegment): Column[] {
  const c = BOUNDARY_COLUMNS;
  const { group, episodes, inference, identity } = state;
  const { spaces, size } = group;
  const lastRows = Array.from({ length: size }, (_, index) => (index + 1) * identity.segmentSteps - 1);
  return [
    ...Object.entries(spaces.observations).map(([name, space]) =>
      fixedSizeList(SEGMENT_COLUMNS.observationPrefix + name, group.observations[name] as ObservationBuffer, elementCount(space.shape)),
    ),
    valueColumn(
      SEGMENT_COLUMNS.bootstrapValue,
      Float32Array.from(lastRows.flatMap((row) => [...buffers.bootstrapValue.subarray(row * buffers.valueCount, (row + 1) * buffers.valueCount)])),
      buffers.valueCount,
    ),
    ...(inference.stateSize === 0 ? [] : [fixedSizeList(c.stateStart, stateStart, inference.stateSize), fixedSizeList(c.stateEnd, inference.state, inference.stateSize)]),
    primitive(c.episode, Int32Array.from(episodes, (track) => track.episode)),
    primitive(c.episodeSteps, Int32Array.from(episodes, (track) => track.steps)),
    binary(
      c.episodeActions,
      episodes.map((track) => track.actionBytes()),
    ),
    fixedSizeList(c.episodeReturns, Float32Array.from(episodes.flatMap((track) => Array.from(track.returns))), spaces.rewards.length),
    utf8(
      c.observationDigest,
      episodes.map((_track, index) => observationDigest(group, index)),
    ),
  ];
}
