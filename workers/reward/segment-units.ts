/** Units of a trajectory segment: its transitions are steps, and each run of rows of one episode is an episode, or a part of one. */
import type { Table } from 'apache-arrow';
import { binaryColumn, type BinaryColumn } from '../../proto/flight/tables.js';
import { checkTable, SEGMENT_COLUMNS as C } from '../../proto/schemas.js';
import { textKey } from '../annotator/label-record.js';
import type { StagesSpec } from '../../proto/stages.js';
import { LinearPattern } from './rules/patterns.js';
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
 * @param stages where units of granularity `segment` end; undefined: there are none
 * @throws LaurelError LAUREL_SCHEMA_MISMATCH
 */
export function segmentUnits(table: Table, numbers: readonly string[] = [], earlier: readonly Table[] = [], stages?: StagesSpec): Units {
  const columns = segmentUnitColumns(numbers);
  const body = checkTable<{ spaces: { rewards: readonly string[] } }>(table, 'segment', columns);
  for (const before of earlier) checkTable(before, 'segment', columns);
  const rewardNames = body.spaces.rewards;
  const rows = gather([...earlier, table]);
  const structure = structureOf(rows);
  const texts = messagesOf(rows);
  const level = unitLevel({
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
  const own = rows.own && { own: rows.own };
  const episode = wholesOf('episode', level, structure.starts, { begins: (first) => level.position[first] === 0, ends: (last) => level.done[last] === 1 });
  if (stages === undefined) return { base: 'step', levels: { step: level, episode }, ...own };
  const parts = stagesOf(level, stages);
  const segment = wholesOf('segment', level, parts.starts, { begins: (first) => level.position[first] === 0 || (first > 0 && level.episode[first] === level.episode[first - 1] && parts.ended(first - 1)), ends: (last) => level.done[last] === 1 || parts.ended(last) });
  const holder = Int32Array.from(parts.starts.slice(0, -1), (first) => structure.part[first] as number);
  // How many stages of the episode came before.
  const position = holder.map((one, index) => index - holder.indexOf(one));
  return { base: 'step', levels: { step: { ...level, parent: parts.part }, segment: { ...segment, episode: holder, parent: holder, position }, episode }, ...own };
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

interface Stages {
  /** Stage of each row. */
  readonly part: Int32Array;
  /** First row of each stage, and the number of rows at the end. */
  readonly starts: readonly number[];
  /** Whether a row of the same environment is the last of its stage. */
  ended(row: number): boolean;
}

/** A stage ends with its episode, and where the job says. */
function stagesOf(step: UnitLevel, stages: StagesSpec): Stages {
  const pattern = stages.by === 'message' ? new LinearPattern(stages.pattern) : null;
  const found = step.texts.map((text) => pattern?.test(text) ?? false);
  const ended = (row: number): boolean => {
    if (row < 0) return false;
    if (step.done[row] === 1) return true;
    return stages.by === 'steps' ? ((step.position[row] as number) + 1) % stages.steps === 0 : (found[step.textIndex[row] as number] ?? false);
  };
  const part = new Int32Array(step.units);
  const starts: number[] = [];
  for (let row = 0; row < step.units; row++) {
    if (row === 0 || step.episode[row] !== step.episode[row - 1] || ended(row - 1)) starts.push(row);
    part[row] = starts.length - 1;
  }
  starts.push(step.units);
  return { part, starts, ended };
}

/** One unit for each part: rewards are sums over the part, the text is that of its last row. */
function wholesOf(granularity: 'segment' | 'episode', step: UnitLevel, starts: readonly number[], whole: { readonly begins: (first: number) => boolean; readonly ends: (last: number) => boolean }): UnitLevel {
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
    granularity,
    units,
    textIndex: at(step.textIndex, last),
    texts: step.texts,
    textCount: at(step.textCount, last),
    envReward,
    rewardNames: step.rewardNames,
    begins: Uint8Array.from({ length: units }, (_, unit) => (whole.begins(first(unit)) ? 1 : 0)),
    ends: Uint8Array.from({ length: units }, (_, unit) => (whole.ends(last(unit)) ? 1 : 0)),
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
