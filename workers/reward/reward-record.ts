/** Rewards of a segment as an Arrow table, and back (proto/schemas.ts says what the columns mean). */
import { columnArray, fixedSizeList, primitive, readTable, tableBytes } from '../../proto/flight/tables.js';
import type { RewardModels } from '../../proto/activities.js';
import type { Moments } from '../../proto/moments.js';
import type { RewardState } from '../../proto/reward-state.js';
import type { ComponentSums, GroupCounts } from '../../proto/references.js';
import { checkTable, REWARD_COLUMNS as C, tableMetadata } from '../../proto/schemas.js';
import { isSealed, seal, UNSEALED } from '../store/seal.js';
import type { RewardColumn } from './reward-column.js';

/** What the values were made from, and their sums. */
export interface RewardBody {
  readonly components: readonly string[];
  readonly segment: { readonly key: string; readonly digest: string };
  readonly scoring: string;
  /** Label-log position by source. */
  readonly labels: Readonly<Record<string, { readonly annotator: string; readonly position: number }>>;
  /** Reward model by source, for sources that have one; null: there was none that might be used. */
  readonly models: RewardModels;
  readonly weights: Readonly<Record<string, number>>;
  readonly sums: Readonly<Record<string, ComponentSums>>;
  /** What the expression remembered from earlier batches, and the moments that it is to remember of this one. Absent: nothing. */
  readonly state?: RewardState;
  readonly moments?: Readonly<Record<string, Moments>>;
  /** Units that programs and rules failed for, by source and code; they are masked. Absent: none. */
  readonly faults?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Of completions. */
  readonly groups?: GroupCounts;
  /** Of the whole file (see store/seal.ts). Absent in files of earlier versions. */
  readonly digest?: string;
}

export function encodeRewards(columns: readonly RewardColumn[], body: Omit<RewardBody, 'sums' | 'digest'>): { bytes: Uint8Array; body: RewardBody } {
  const total = columns[columns.length - 1] as RewardColumn;
  const units = total.value.length;
  const width = columns.length;
  const value = new Float32Array(units * width);
  const mask = new Uint8Array(units * width);
  columns.forEach((column, index) => {
    for (let unit = 0; unit < units; unit++) {
      value[unit * width + index] = column.value[unit] as number;
      mask[unit * width + index] = column.mask[unit] as number;
    }
  });
  const whole: RewardBody = { ...body, sums: Object.fromEntries(columns.map((column, index) => [body.components[index] as string, sumsOf(column)])), digest: UNSEALED };
  const bytes = tableBytes(
    [
      primitive(C.unit, Int32Array.from({ length: units }, (_, unit) => unit)),
      fixedSizeList(C.value, value, width),
      fixedSizeList(C.mask, mask, width),
      primitive(C.confidence, total.confidence),
      primitive(C.status, total.status),
      primitive(C.version, total.version),
    ],
    { metadata: tableMetadata('reward', whole) },
  );
  return { bytes: seal(bytes), body: whole };
}

/** Whether a file that nobody has a reference of is whole. */
export function isWholeReward(bytes: Uint8Array): boolean {
  return isUsableReward(bytes, false);
}

/** As `isWholeReward`; files of earlier versions hold no digest and pass: their references are checked where they are read. */
export function isUsableReward(bytes: Uint8Array, unsealed = true): boolean {
  try {
    const { digest } = decodeRewards(bytes).body;
    return digest === undefined ? unsealed : isSealed(bytes, digest);
  } catch {
    return false;
  }
}

export interface DecodedRewards {
  readonly body: RewardBody;
  readonly units: number;
  /** Row-major, `units * components`. */
  readonly value: Float32Array;
  readonly mask: Uint8Array;
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT */
export function decodeRewards(bytes: Uint8Array): DecodedRewards {
  const table = readTable(bytes);
  const body = checkTable<RewardBody>(table, 'reward', Object.values(C));
  return { body, units: table.numRows, value: columnArray(table, C.value, Float32Array), mask: columnArray(table, C.mask, Uint8Array) };
}

/** One component of decoded rewards, with its mask. */
export function componentOf(rewards: DecodedRewards, name: string): { value: Float32Array; mask: Uint8Array } {
  const index = rewards.body.components.indexOf(name);
  const width = rewards.body.components.length;
  const value = new Float32Array(rewards.units);
  const mask = new Uint8Array(rewards.units);
  for (let unit = 0; unit < rewards.units; unit++) {
    value[unit] = rewards.value[unit * width + index] as number;
    mask[unit] = rewards.mask[unit * width + index] as number;
  }
  return { value, mask };
}

function sumsOf(column: RewardColumn): ComponentSums {
  let sum = 0;
  let nonZero = 0;
  let masked = 0;
  for (let unit = 0; unit < column.value.length; unit++) {
    if (column.mask[unit] === 0) masked += 1;
    else {
      const value = column.value[unit] as number;
      sum += value;
      if (value !== 0) nonZero += 1;
    }
  }
  return { sum, nonZero, masked };
}

