/** Reading back what a segment file says: its metadata, and the state at its end from which a shard is rebuilt. */
import type { Table } from 'apache-arrow';
import { LaurelError } from '../../proto/errors.js';
import { binaryColumn, columnArray, readTables, utf8Column } from '../../proto/flight/tables.js';
import { BOUNDARY_COLUMNS, checkTable, METADATA_KIND, SEGMENT_COLUMNS, type TableKind } from '../../proto/schemas.js';
import { isSealed } from '../store/seal.js';
import { completionsBody, type CompletionsBody } from '../text/completions.js';
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

/** Of a segment of any kind. @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_SCHEMA_MISMATCH */
export function readSegmentBody(bytes: Uint8Array): SegmentBody | CompletionsBody {
  const tables = readTables(bytes);
  if (isCompletions(tables)) return completionsBody(tables[0]);
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

/** Steps that must be played again to take a shard up behind this segment, of its longest episode. */
export function stepsToRebuild(bytes: Uint8Array): number {
  return isCompletions(readTables(bytes)) ? 0 : Math.max(0, ...readBoundary(bytes).episodeSteps);
}

/** Whether a file that nobody has a reference of is a whole segment, of any kind. */
export function isWholeSegment(bytes: Uint8Array): boolean {
  return isUsableSegment(bytes, false);
}

/** As `isWholeSegment`; files of earlier versions hold no digest and pass, so whatever is made from them must be checked. */
export function isUsableSegment(bytes: Uint8Array, unsealed = true): boolean {
  try {
    const tables = readTables(bytes);
    const { digest } = isCompletions(tables) ? completionsBody(tables[0]) : checkTable<BoundaryBody>(segmentTables(bytes)[1], 'segment-boundary', []);
    return digest === undefined ? unsealed : isSealed(bytes, digest);
  } catch {
    return false;
  }
}

function isCompletions(tables: readonly Table[]): tables is readonly [Table] {
  return tables.length === 1 && tables[0]?.schema.metadata.get(METADATA_KIND) === ('completions' satisfies TableKind);
}

function segmentTables(bytes: Uint8Array): readonly [transitions: Table, boundary: Table] {
  const [transitions, boundary, ...more] = readTables(bytes);
  if (!transitions || !boundary || more.length > 0) throw new LaurelError('LAUREL_STORE_CORRUPT', 'expected a segment file to hold two Arrow streams, transitions and boundary, got another number');
  return [transitions, boundary];
}
