/** Units of a trajectory segment: its transitions are steps, and each run of rows of one episode is an episode, or a part of one. */
import type { Table } from 'apache-arrow';
import { binaryColumn, columnArray, columnWidth } from '../../proto/flight/tables.js';
import { checkTable, SEGMENT_COLUMNS as C } from '../../proto/schemas.js';
import { textKey } from '../annotator/label-record.js';
import { unitLevel, type NumberColumn, type TextColumn, type UnitLevel, type Units } from './units.js';

const STRUCTURE = [C.environment, C.episode, C.step, C.terminated, C.truncated, C.policyVersion] as const;

/** The columns that `segmentUnits` needs. @param numbers names of `UnitLevel.numbers` that are to be read: `observation.<tensor>`, `action`, `logprob` */
export function segmentUnitColumns(numbers: readonly string[] = []): readonly string[] {
  return [C.envReward, C.text, C.textCount, ...STRUCTURE, ...numbers.map(storedName)];
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH */
export function segmentUnits(table: Table, numbers: readonly string[] = []): Units {
  const body = checkTable<{ spaces: { rewards: readonly string[] } }>(table, 'segment', segmentUnitColumns(numbers));
  const rewardNames = body.spaces.rewards;
  const structure = structureOf(table);
  const texts = messagesOf(table);
  const step = unitLevel({
    granularity: 'step',
    units: table.numRows,
    textIndex: texts.index,
    texts: texts.texts,
    textCount: columnArray(table, C.textCount, Int32Array),
    envReward: columnArray(table, C.envReward, Float32Array),
    rewardNames,
    episode: structure.part,
    position: columnArray(table, C.step, Int32Array),
    parent: structure.part,
    terminated: columnArray(table, C.terminated, Uint8Array),
    done: structure.done,
    policyVersion: columnArray(table, C.policyVersion, Int32Array),
    numbers: Object.fromEntries(numbers.map((name) => [name, numberColumn(table, storedName(name))])),
  });
  return { base: 'step', levels: { step, episode: episodesOf(step, structure) } };
}

interface Structure {
  /** Episode part of each row. */
  readonly part: Int32Array;
  readonly done: Uint8Array;
  /** First row of each part, and the number of rows at the end. */
  readonly starts: readonly number[];
}

function structureOf(table: Table): Structure {
  const environment = columnArray(table, C.environment, Int32Array);
  const episode = columnArray(table, C.episode, Int32Array);
  const terminated = columnArray(table, C.terminated, Uint8Array);
  const truncated = columnArray(table, C.truncated, Uint8Array);
  const part = new Int32Array(table.numRows);
  const starts: number[] = [];
  for (let row = 0; row < table.numRows; row++) {
    if (row === 0 || environment[row] !== environment[row - 1] || episode[row] !== episode[row - 1]) starts.push(row);
    part[row] = starts.length - 1;
  }
  starts.push(table.numRows);
  return { part, starts, done: terminated.map((ended, row) => (ended === 1 || truncated[row] === 1 ? 1 : 0)) };
}

/** One unit for each part: rewards are sums over the part, the text is that of its last row. */
function episodesOf(step: UnitLevel, { starts }: Structure): UnitLevel {
  const units = starts.length - 1;
  const width = step.rewardNames.length;
  const envReward = new Float32Array(units * width);
  const at = <A extends Int32Array | Uint8Array>(column: A, pick: (unit: number) => number): A => {
    const picked = new (column.constructor as new (length: number) => A)(units);
    for (let unit = 0; unit < units; unit++) picked[unit] = column[pick(unit)] as number;
    return picked;
  };
  const first = (unit: number): number => starts[unit] as number;
  const last = (unit: number): number => (starts[unit + 1] as number) - 1;
  for (let unit = 0; unit < units; unit++) {
    for (let component = 0; component < width; component++) {
      let sum = 0;
      for (let row = first(unit); row <= last(unit); row++) sum += step.envReward[row * width + component] as number;
      envReward[unit * width + component] = sum;
    }
  }
  return unitLevel({
    granularity: 'episode',
    units,
    textIndex: at(step.textIndex, last),
    texts: step.texts,
    textCount: at(step.textCount, last),
    envReward,
    rewardNames: step.rewardNames,
    begins: Uint8Array.from({ length: units }, (_, unit) => (step.position[first(unit)] === 0 ? 1 : 0)),
    ends: at(step.done, last),
    terminated: at(step.terminated, last),
    done: at(step.done, last),
    policyVersion: at(step.policyVersion, last),
  });
}

function messagesOf(table: Table): TextColumn {
  const column = binaryColumn(table, C.text);
  const index = new Int32Array(column.rows).fill(-1);
  const known = new Map<string, number>();
  const texts: string[] = [];
  for (let row = 0; row < column.rows; row++) {
    if (column.offsets[row] === column.offsets[row + 1]) continue;
    const key = textKey(column.at(row));
    let at = known.get(key);
    if (at === undefined) {
      at = texts.length;
      texts.push(key);
      known.set(key, at);
    }
    index[row] = at;
  }
  return { index, texts };
}

function numberColumn(table: Table, name: string): NumberColumn {
  return { width: columnWidth(table, name), values: columnArray(table, name) as NumberColumn['values'] };
}

function storedName(name: string): string {
  return name === 'logprob' ? C.behaviourLogProb : name;
}
