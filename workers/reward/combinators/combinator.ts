/** What a combinator gets and gives. One file for each kind beside this one, and a line in registry.ts. */
import type { Granularity } from '../../../proto/granularity.js';
import type { RewardState } from '../../../proto/reward-state.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import type { Units } from '../units.js';

/** The value of an expression for every unit of one granularity. */
export interface NodeValue {
  readonly granularity: Granularity;
  /** Names of the elements of a vector, one column each; null: one number, one column. */
  readonly elements: readonly string[] | null;
  readonly columns: readonly RewardColumn[];
}

export interface Operand {
  /** Name of the term, if it has one. */
  readonly name: string | undefined;
  readonly value: NodeValue;
  /** What an unknown value means in a sum, as its source says. */
  readonly unknown: 'omit' | 'wait' | 'drop';
}

export interface CombinatorContext {
  readonly units: Units;
  /** Whether this is the whole reward. */
  readonly root: boolean;
  /** Constant weight of a term that is in force; undefined: that of the job. */
  weight(term: string): number | undefined;
  /** What the expression remembers from earlier batches. */
  readonly state: RewardState | undefined;
}

/** Pure. Columns of the result have one entry for each unit; unknown is mask 0, never 0. */
export type Combinator<Spec> = (spec: Spec, operands: readonly Operand[], context: CombinatorContext) => NodeValue;

/** Applies a function of single numbers to each element. All operands have the same elements; `same` also gets those that are one number. */
export function byElement(operands: readonly Operand[], combine: (columns: readonly RewardColumn[]) => RewardColumn): NodeValue {
  const [first] = operands as [Operand, ...Operand[]];
  const { granularity, elements } = first.value;
  const columns = first.value.columns.map((_, element) => combine(operands.map(({ value }) => (value.columns[element] ?? value.columns[0]) as RewardColumn)));
  return { granularity, elements, columns };
}

export interface Outcome {
  readonly value: number;
  readonly confidence?: number;
}

/**
 * A column whose value of each unit is a function of what the columns say of it. Where one of `wanted` is unknown, so is the
 * result. Versions are the newest, the confidence is the least, unless the function gives one.
 * @param decide gives the value, or undefined: unknown; numbers that are not finite are errors
 */
export function pointwise(columns: readonly RewardColumn[], units: number, decide: (at: (column: number) => number | undefined, unit: number) => Outcome | undefined): RewardColumn {
  const result = knownColumn(units);
  for (let unit = 0; unit < units; unit++) {
    let version = 0;
    let confidence = 1;
    let status: number = REWARD_STATUS.final;
    const at = (index: number): number | undefined => {
      const column = columns[index] as RewardColumn;
      if (column.mask[unit] === 0) {
        status = Math.max(status, column.status[unit] as number);
        return undefined;
      }
      version = Math.max(version, column.version[unit] as number);
      confidence = Math.min(confidence, column.confidence[unit] as number);
      return column.value[unit];
    };
    const outcome = decide(at, unit);
    const value = outcome === undefined ? NaN : Math.fround(outcome.value);
    result.version[unit] = version;
    if (outcome !== undefined && Number.isFinite(value)) {
      result.value[unit] = value;
      result.confidence[unit] = outcome.confidence ?? confidence;
      result.status[unit] = status;
      continue;
    }
    maskUnit(result, unit, outcome === undefined ? status : REWARD_STATUS.error);
  }
  return result;
}

/** Makes a value unknown. */
export function maskUnit({ value, mask, confidence, status }: RewardColumn, unit: number, why: number): void {
  value[unit] = 0;
  mask[unit] = 0;
  confidence[unit] = 0;
  status[unit] = why === REWARD_STATUS.final ? REWARD_STATUS.pending : why;
}

/** The numbers of all columns, or undefined where one is unknown. */
export function allKnown(at: (column: number) => number | undefined, count: number): number[] | undefined {
  const values: number[] = [];
  for (let index = 0; index < count; index++) {
    const value = at(index);
    if (value !== undefined) values.push(value);
  }
  return values.length === count ? values : undefined;
}
