/** Units of a trajectory segment: its transitions are steps, and each run of rows of one episode is an episode, or a part of one. */
import type { Table } from 'apache-arrow';
import { binaryColumn, type BinaryColumn } from '../../proto/flight/tables.js';
import { checkTable, SEGMENT_COLUMNS as C } from '../../proto/schemas.js';
import { textKey } from '../annotator/label-record.js';
import { gather, type Rows } from './segment-rows.js';
import { unitLevel, type TextColumn, type UnitLevel, type Units } from './units.js';

const STRUCTURE = [C.environment, C.episode, C.step, C.terminated, C.truncated, C.policyVersion] as const;

/** The columns that `segmentUnits` needs. @param numbers names of `UnitLevel.numbers` that are to be read: `observation.<tensor>`, `action`, `logprob` */
export function segmentUnitColumns(numbers: readonly string[] = []): readonly string[] {
  return [C.envReward, C.text, C.textCount, ...STRUCTURE, ...numbers.map(storedName)];
}

/**
 * @param earlier transitions of the segments before this one of the same shard, oldest first: the rows of episodes that run on from
 * there come before their rows here, and `Units.own` names the rows of this table
 * @throws LaurelError LAUREL_SCHEMA_MISMATCH
 */
export function segmentUnits(table: Table, numbers: readonly string[] = [], earlier: readonly Table[] = []): Units {
  const columns = segmentUnitColumns(numbers);
  const body = checkTable<{ spaces: { rewards: readonly string[] } }>(table, 'segment', columns);
  for (const before of earlier) checkTable(before, 'segment', columns);
  const rewardNames = body.spaces.rewards;
  const rows = gather([...earlier, table]);
  const structure = structureOf(rows);
  const texts = messagesOf(rows);
  const step = unitLevel({
    granularity: 'step',
    units: rows.count,
    textIndex: texts.index,
    texts: texts.texts,
    textCount: rows.ints(C.textCount),
    envReward: rows.numbers(C.envReward).values as Float32Array,
    rewardNames,
    episode: structure.part,
    position: rows.ints(C.step),
    parent: structure.part,
    terminated: rows.flags(C.terminated),
    done: structure.done,
    policyVersion: rows.ints(C.policyVersion),
    numbers: Object.fromEntries(numbers.map((name) => [name, rows.numbers(storedName(name))])),
  });
  return { base: 'step', levels: { step, episode: episodesOf(step, structure) }, ...(rows.own && { own: rows.own }) };
}

interface Structure {
  /** Episode part of each row. */
  readonly part: Int32Array;
  readonly done: Uint8Array;
  /** First row of each part, and the number of rows at the end. */
  readonly starts: readonly number[];
}

function structureOf(rows: Rows): Structure {
  const environment = rows.ints(C.environment);
  const episode = rows.ints(C.episode);
  const terminated = rows.flags(C.terminated);
  const truncated = rows.flags(C.truncated);
  const part = new Int32Array(rows.count);
  const starts: number[] = [];
  for (let row = 0; row < rows.count; row++) {
    if (row === 0 || environment[row] !== environment[row - 1] || episode[row] !== episode[row - 1]) starts.push(row);
    part[row] = starts.length - 1;
  }
  starts.push(rows.count);
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

function messagesOf(rows: Rows): TextColumn {
  const index = new Int32Array(rows.count).fill(-1);
  const known = new Map<string, number>();
  const texts: string[] = [];
  const columns = rows.tables.map((table) => binaryColumn(table, C.text));
  for (let row = 0; row < rows.count; row++) {
    const [table, at] = rows.place(row);
    const column = columns[table] as BinaryColumn;
    if (column.offsets[at] === column.offsets[at + 1]) continue;
    const key = textKey(column.at(at));
    let text = known.get(key);
    if (text === undefined) {
      text = texts.length;
      texts.push(key);
      known.set(key, text);
    }
    index[row] = text;
  }
  return { index, texts };
}

function storedName(name: string): string {
  return name === 'logprob' ? C.behaviourLogProb : name;
}
