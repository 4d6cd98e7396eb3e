/**
 * The `statistics` observation: the status line and a few flags as floats. Numbers without a bound (score, gold, time,
 * points) are given as log(1 + x); `scale` brings each into [-1, 1] or near it.
 */
import { INTERNAL, STATUS } from './layout.js';

type Transform = 'plain' | 'log';

interface Statistic {
  readonly name: string;
  /** Index into blstats. */
  readonly from: number;
  readonly transform: Transform;
  readonly scale: number;
}

const plain = (name: keyof typeof STATUS, scale: number): Statistic => ({ name, from: STATUS[name], transform: 'plain', scale });
const log = (name: keyof typeof STATUS, scale: number): Statistic => ({ name, from: STATUS[name], transform: 'log', scale });

const FROM_STATUS: readonly Statistic[] = [
  plain('column', 79),
  plain('row', 21),
  plain('strength', 25),
  plain('strengthPercent', 125),
  plain('dexterity', 25),
  plain('constitution', 25),
  plain('intelligence', 25),
  plain('wisdom', 25),
  plain('charisma', 25),
  plain('depth', 25),
  plain('armorClass', 10),
  plain('experienceLevel', 15),
  plain('hunger', 4),
  plain('encumbrance', 5),
  plain('dungeon', 7),
  plain('levelNumber', 25),
  plain('alignment', 1),
  log('score', 10),
  log('hitPoints', 5),
  log('hitPointsMax', 5),
  log('gold', 8),
  log('energy', 5),
  log('energyMax', 5),
  log('experiencePoints', 10),
  log('turn', 10),
];
/** Bits of the condition mask that are given as flags, in the order of the mask. */
const CONDITIONS = ['stone', 'slime', 'strangled', 'foodPoisoned', 'terminallyIll', 'blind', 'deaf', 'stunned', 'confused', 'hallucinating', 'levitating', 'flying', 'riding'] as const;
const FLAGS = ['hitPointShare', 'onStairsDown', 'promptOpen', ...CONDITIONS] as const;

export const STATISTIC_NAMES: readonly string[] = [...FROM_STATUS.map(({ name }) => name), ...FLAGS];
export const STATISTIC_SCALES: readonly number[] = [...FROM_STATUS.map(({ scale }) => scale), ...FLAGS.map(() => 1)];
export const STATISTIC_COUNT = STATISTIC_NAMES.length;
export const CONDITION_HALLUCINATING = 1 << CONDITIONS.indexOf('hallucinating');

/** Word of `Game.status` for each statistic; plain ones first, then logarithmic ones. */
const WORDS = Uint8Array.from(FROM_STATUS, ({ from }) => from * 2);
const FIRST_LOG = FROM_STATUS.findIndex(({ transform }) => transform === 'log');
/** log(1 + x) of small numbers: most of what is met. */
const LOGS = Float32Array.from({ length: 4096 }, (_, value) => Math.log1p(value));

/**
 * Writes one row. `status`: low words of blstats at even places (`Game.status`); `internal`: of the same game.
 */
export function writeStatistics(out: Float32Array, offset: number, status: Int32Array, internal: Int32Array, promptOpen: boolean): void {
  let at = offset;
  let index = 0;
  for (; index < FIRST_LOG; index++) out[at++] = status[WORDS[index] as number] as number;
  for (; index < WORDS.length; index++) {
    const value = Math.max(0, status[WORDS[index] as number] as number);
    out[at++] = value < LOGS.length ? (LOGS[value] as number) : Math.log1p(value);
  }
  const hitPointsMax = status[2 * STATUS.hitPointsMax] as number;
  out[at++] = hitPointsMax > 0 ? (status[2 * STATUS.hitPoints] as number) / hitPointsMax : 0;
  out[at++] = internal[INTERNAL.onStairsDown] !== 0 ? 1 : 0;
  out[at++] = promptOpen ? 1 : 0;
  const conditions = status[2 * STATUS.conditions] as number;
  for (let bit = 0; bit < CONDITIONS.length; bit++) out[at++] = (conditions >> bit) & 1;
}
