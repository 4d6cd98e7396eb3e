/** What rewards are computed from: the columns of a segment that sources and shaping read. */
import type { Table } from 'apache-arrow';
import { binaryColumn, columnArray } from '../../proto/flight/tables.js';
import { checkTable, SEGMENT_COLUMNS } from '../../proto/schemas.js';
import { textKey } from '../annotator/label-record.js';

export interface RewardInput {
  readonly units: number;
  /** Row-major, `units * rewardNames.length`. */
  readonly envReward: Float32Array;
  readonly rewardNames: readonly string[];
  /** Index into `texts` for each unit; -1: no message followed the action. */
  readonly textIndex: Int32Array;
  /** Distinct messages by their lossless key (one character for each byte). */
  readonly texts: readonly string[];
  /** Times the message was seen in its episode, this time included; 0: no message. */
  readonly textCount: Int32Array;
}

/** The columns that `readRewardInput` needs. */
export const REWARD_INPUT_COLUMNS = [SEGMENT_COLUMNS.envReward, SEGMENT_COLUMNS.text, SEGMENT_COLUMNS.textCount] as const;

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function readRewardInput(table: Table): RewardInput {
  const body = checkTable<{ spaces: { rewards: readonly string[] } }>(table, 'segment', REWARD_INPUT_COLUMNS);
  const column = binaryColumn(table, SEGMENT_COLUMNS.text);
  const textIndex = new Int32Array(column.rows).fill(-1);
  const known = new Map<string, number>();
  const texts: string[] = [];
  for (let row = 0; row < column.rows; row++) {
    if (column.offsets[row] === column.offsets[row + 1]) continue;
    const key = textKey(column.at(row));
    let index = known.get(key);
    if (index === undefined) {
      index = texts.length;
      texts.push(key);
      known.set(key, index);
    }
    textIndex[row] = index;
  }
  return {
    units: table.numRows,
    envReward: columnArray(table, SEGMENT_COLUMNS.envReward, Float32Array),
    rewardNames: body.spaces.rewards,
    textIndex,
    texts,
    textCount: columnArray(table, SEGMENT_COLUMNS.textCount, Int32Array),
  };
}
