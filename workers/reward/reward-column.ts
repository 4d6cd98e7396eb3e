/** Values of one reward component for the units of a segment. */
import { REWARD_STATUS } from '../../proto/schemas.js';

/** Arrays have one entry for each unit (transition). */
export interface RewardColumn {
  /** 0 where the mask is 0, and never to be used there. */
  readonly value: Float32Array;
  /** 1: known; 0: unknown. */
  readonly mask: Uint8Array;
  /** 0..1: how sure the source is of a known value. */
  readonly confidence: Float32Array;
  /** REWARD_STATUS: final, pending (a value may still come), error. */
  readonly status: Uint8Array;
  /** What a value was made from: entries of the label log for `model`, else 0. */
  readonly version: Uint32Array;
}

/** A column of known zeros. */
export function knownColumn(units: number): RewardColumn {
  return {
    value: new Float32Array(units),
    mask: new Uint8Array(units).fill(1),
    confidence: new Float32Array(units).fill(1),
    status: new Uint8Array(units).fill(REWARD_STATUS.final),
    version: new Uint32Array(units),
  };
}

/** The values of some units, in the order of `units`. */
export function selectUnits(column: RewardColumn, units: Int32Array): RewardColumn {
  const picked = knownColumn(units.length);
  for (const name of ['value', 'mask', 'confidence', 'status', 'version'] as const) units.forEach((unit, index) => (picked[name][index] = column[name][unit] as number));
  return picked;
}
