/** Reading back what a segment file says: its metadata, and the state at its end from which a shard is rebuilt. */
import type { Table } from 'apache-arrow';
import { LaurelError } from '../../proto/errors.js';
import { binaryColumn, columnArray, readTables, utf8Column } from '../../proto/flight/tables.js';
import { BOUNDARY_COLUMNS, checkTable, SEGMENT_COLUMNS } from '../../proto/schemas.js';
import type { BoundaryBody, SegmentBody } from './segment-body.js';

/** Where a shard stood after the last step of a segment; arrays have one entry (or row) for each environment. */
export interface SegmentBoundary {
  readonly run: string;
  readonly shard: number;
  readonly seq: number;
  /** Episode that runs. */
  readonly episodes: readonly number[];
  readonly episodeSteps: readonly number[];
  /** Actions of that episode so far, as drawn; 32-bit values, little endian. */
  readonly episodeActions: readonly Uint8Array[];
  readonly observationDigests: readonly string[];
  /** Memory before the observation that is shown, `environments * stateSize` values. */
  readonly stateEnd: Float32Array;
}

/** @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_SCHEMA_MISMATCH */
export function readSegmentBody(bytes: Uint8Array): SegmentBody {
  return checkTable<SegmentBody>(segmentTables(bytes)[0], 'segment', Object.values(SEGMENT_COLUMNS).filter((name) => name !== SEGMENT_COLUMNS.observationPrefix));
}

/** @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_SCHEMA_MISMATCH */
export function readBoundary(bytes: Uint8Array): SegmentBoundary {
  const c = BOUNDARY_COLUMNS;
  const table = segmentTables(bytes)[1];
  const { run, shard, seq, stateSize } = checkTable<BoundaryBody>(table, 'segment-boundary', [c.episode, c.episodeSteps, c.episodeActions, c.observationDigest]);
  return {
    run,
    shard,
    seq,
    episodes: Array.from(columnArray(table, c.episode, Int32Array)),
    episodeSteps: Array.from(columnArray(table, c.episodeSteps, Int32Array)),
    episodeActions: [...binaryColumn(table, c.episodeActions)],
    observationDigests: utf8Column(table, c.observationDigest),
    stateEnd: stateSize === 0 ? new Float32Array(0) : columnArray(table, c.stateEnd, Float32Array),
  };
}

function segmentTables(bytes: Uint8Array): readonly [transitions: Table, boundary: Table] {
  const [transitions, boundary, ...more] = readTables(bytes);
  if (!transitions || !boundary || more.length > 0) throw new LaurelError('LAUREL_STORE_CORRUPT', 'expected a segment file to hold two Arrow streams, transitions and boundary, got another number');
  return [transitions, boundary];
}
