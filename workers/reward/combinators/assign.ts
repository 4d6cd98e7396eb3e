/** Brings values to units of another granularity: broadcast down, credit, or aggregate up. */
import { isCoarser } from '../../../proto/granularity.js';
import type { AssignSpec } from '../../../proto/reward-combine.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { knownColumn, type RewardColumn } from '../reward-column.js';
import { holders, levelOf, type UnitLevel } from '../units.js';
import { maskUnit, type CombinatorContext, type NodeValue, type Operand } from './combinator.js';

export function assign(spec: AssignSpec, operands: readonly Operand[], { units }: CombinatorContext): NodeValue {
  const [of, by] = operands as [Operand, Operand?];
  const { granularity, elements, columns } = of.value;
  const target = levelOf(units, spec.to);
  const move = isCoarser(granularity, spec.to)
    ? (column: RewardColumn) => down(spec, column, levelOf(units, granularity), target, holders(units, spec.to, granularity), by?.value.columns[0])
    : (column: RewardColumn) => up(spec, column, target, holders(units, granularity, spec.to));
  return { granularity: spec.to, elements, columns: columns.map(move) };
}

/** From a unit to the finer units that it holds. */
function down(spec: AssignSpec, column: RewardColumn, source: UnitLevel, target: UnitLevel, holder: Int32Array, by: RewardColumn | undefined): RewardColumn {
  const result = knownColumn(target.units);
  const parts = partsOf(holder, source.units);
  for (let unit = 0; unit < source.units; unit++) {
    const [from, to] = parts(unit);
    if (from === to) continue;
    const weights = by && by.value.subarray(from, to);
    const partUnknown = spec.rule === 'proportional' && by !== undefined && by.mask.subarray(from, to).includes(0);
    const sum = weights?.reduce((total, weight) => total + weight, 0) ?? 0;
    for (let child = from; child < to; child++) {
      // The last rule gives nothing before the end, whatever the whole will be worth.
      if (spec.rule === 'last' && (child < to - 1 || source.ends[unit] === 0)) continue;
      const share = shareOf(spec, column.value[unit] as number, { child, from, to, weight: weights?.[child - from] ?? 0, sum });
      const unknown = column.mask[unit] === 0 || partUnknown || by?.mask[child] === 0;
      result.version[child] = column.version[unit] as number;
      result.confidence[child] = column.confidence[unit] as number;
      result.status[child] = column.status[unit] as number;
      if (unknown) maskUnit(result, child, column.mask[unit] === 0 ? (column.status[unit] as number) : REWARD_STATUS.pending);
      else if (Number.isFinite(Math.fround(share))) result.value[child] = share;
      else maskUnit(result, child, REWARD_STATUS.error);
    }
  }
  return result;
}

interface Place {
  readonly child: number;
  /** First unit of the whole, and the one after its last. */
  readonly from: number;
  readonly to: number;
  readonly weight: number;
  readonly sum: number;
}

function shareOf(spec: AssignSpec, value: number, { child, from, to, weight, sum }: Place): number {
  switch (spec.rule) {
    case 'last':
    case 'every':
      return value;
    case 'even':
      return value / (to - from);
    case 'discounted':
      return value * spec.discount ** (to - 1 - child);
    case 'proportional':
      // Nobody did anything: all have the same share, so that the parts still add up.
      return sum === 0 ? value / (to - from) : (value * weight) / sum;
    case 'attributed':
      return weight < 0 ? -1 : (value * weight) / spec.scale;
    default:
      throw new TypeError(`expected a rule to finer units, got ${spec.rule}`);
  }
}

/** From finer units to the unit that holds them. One that goes on in a later batch is not known yet, nor one without units. */
function up(spec: AssignSpec, column: RewardColumn, target: UnitLevel, holder: Int32Array): RewardColumn {
  const result = knownColumn(target.units);
  const parts = partsOf(holder, target.units);
  for (let unit = 0; unit < target.units; unit++) {
    const [from, to] = parts(unit);
    const known: number[] = [];
    let status: number = REWARD_STATUS.final;
    for (let child = from; child < to; child++) {
      if (column.mask[child] === 0) {
        status = Math.max(status, column.status[child] as number, REWARD_STATUS.pending);
        continue;
      }
      known.push(column.value[child] as number);
      result.version[unit] = Math.max(result.version[unit] as number, column.version[child] as number);
      result.confidence[unit] = Math.min(result.confidence[unit] as number, column.confidence[child] as number);
    }
    const wanted = spec.unknown === 'mask' ? to - from : 1;
    const value = known.length === 0 ? NaN : Math.fround(aggregate(spec.rule, known));
    result.status[unit] = status;
    if (target.begins[unit] === 0 || target.ends[unit] === 0 || known.length < wanted || to === from) maskUnit(result, unit, status);
    else if (!Number.isFinite(value)) maskUnit(result, unit, REWARD_STATUS.error);
    else result.value[unit] = value;
  }
  return result;
}

function aggregate(rule: AssignSpec['rule'], values: readonly number[]): number {
  const sum = (): number => values.reduce((total, value) => total + value, 0);
  switch (rule) {
    case 'sum':
      return sum();
    case 'mean':
      return sum() / values.length;
    case 'min':
      return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    case 'max':
      return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    case 'first':
      return values[0] as number;
    case 'final':
      return values[values.length - 1] as number;
    default:
      throw new TypeError(`expected a rule to coarser units, got ${rule}`);
  }
}

/** First unit that each holder holds, and the one after its last. @param holder non-decreasing */
function partsOf(holder: Int32Array, holders: number): (unit: number) => readonly [number, number] {
  const first = new Int32Array(holders + 1).fill(holder.length);
  for (let child = holder.length - 1; child >= 0; child--) first[holder[child] as number] = child;
  for (let unit = holders - 1; unit >= 0; unit--) first[unit] = Math.min(first[unit] as number, first[unit + 1] as number);
  return (unit) => [first[unit] as number, first[unit + 1] as number];
}
