/**
 * Players that see much of NetHack, for the collection of messages: one that acts at random, and explorers that walk the
 * map to what they do not know, each with a temper (what it does on the way).
 */
import { CounterRandom } from '../../proto/philox.js';
import { ACTION_NAMES, actionId, type ActionName } from '../../workers/rollout/environments/nethack/actions.js';
import { GLYPH_BLANK, MAP_COLUMNS, MAP_ROWS, MAP_SQUARES } from '../../workers/rollout/environments/nethack/layout.js';

/** Chances, per step, of what an explorer does besides exploring. */
export interface Temper {
  readonly name: string;
  readonly character: string;
  /** Any action at all. */
  readonly random: number;
  readonly kick: number;
  readonly eat: number;
  readonly quaff: number;
  readonly cast: number;
  readonly pray: number;
  readonly search: number;
  readonly pay: number;
  /** On the stairs: how readily they are taken. */
  readonly descend: number;
  readonly pickup: number;
  /** Whether it walks up to monsters, pets among them, and attacks what it may. */
  readonly fights: boolean;
}

const calm = { random: 0.02, kick: 0.005, eat: 0.003, quaff: 0.002, cast: 0.001, pray: 0.0003, search: 0.02, pay: 0.001, descend: 0.3, pickup: 0.7, fights: true };

export const TEMPERS: readonly Temper[] = [
  { ...calm, name: 'diver', character: 'val-hum-neu-fem', descend: 1, pickup: 0.1 },
  { ...calm, name: 'fighter', character: 'sam-hum-law-mal', descend: 0.15 },
  { ...calm, name: 'monk', character: 'mon-hum-neu-mal', descend: 0.3 },
  { ...calm, name: 'hoarder', character: 'arc-dwa-law-mal', descend: 0.1, pickup: 1 },
  { ...calm, name: 'glutton', character: 'cav-hum-neu-mal', eat: 0.05, quaff: 0.02, descend: 0.1 },
  { ...calm, name: 'kicker', character: 'bar-orc-cha-mal', kick: 0.08, descend: 0.2 },
  { ...calm, name: 'caster', character: 'wiz-elf-cha-fem', cast: 0.05, quaff: 0.03, descend: 0.2 },
  { ...calm, name: 'pious', character: 'pri-hum-law-fem', pray: 0.004, search: 0.06, descend: 0.2 },
  { ...calm, name: 'shopper', character: 'tou-hum-neu-fem', pay: 0.03, quaff: 0.02, descend: 0.4, pickup: 0.9 },
  { ...calm, name: 'healer', character: 'hea-gno-neu-mal', random: 0.15, fights: false, descend: 0.3 },
];

/** Glyph ids of NetHack 3.6.6: monsters, pets, then (after bodies and such) objects, then the parts of a level. */
const MONSTERS = 381;
const PETS_END = 762;
const OBJECTS = { from: 1144, to: 2359 };
const LEVEL = { doorsFrom: GLYPH_BLANK + 12, closedFrom: GLYPH_BLANK + 15, closedTo: GLYPH_BLANK + 16, walkFrom: GLYPH_BLANK + 19, walkTo: GLYPH_BLANK + 31, down: [GLYPH_BLANK + 24, GLYPH_BLANK + 26] };
const MOVES: readonly (readonly [ActionName, number, number])[] = [
  ['north', 0, -1], ['east', 1, 0], ['south', 0, 1], ['west', -1, 0],
  ['north-east', 1, -1], ['south-east', 1, 1], ['south-west', -1, 1], ['north-west', -1, -1],
];
const CHANCES = ['kick', 'eat', 'quaff', 'cast', 'pray', 'search', 'pay'] as const;
const YES = actionId('north-west');

export interface Sight {
  readonly glyphs: Int16Array;
  readonly column: number;
  readonly row: number;
  /** The message that followed the last action. */
  readonly text: string;
}

/** Chooses the action of one step; `step` numbers the draws. */
export type Player = (sight: Sight, step: number) => number;

export function randomPlayer(seed: number): Player {
  const random = new CounterRandom(seed, 'test');
  return (_sight, step) => Math.floor(random.uniform(step, 0) * ACTION_NAMES.length);
}

export function explorer(temper: Temper, seed: number): Player {
  const random = new CounterRandom(seed, 'test');
  const visits = new Map<number, number>();
  return (sight, step) => {
    let salt = 1;
    const chance = (share: number): boolean => random.uniform(step, salt++) < share;
    const draw = (count: number): number => Math.floor(random.uniform(step, salt++) * count);
    const here = sight.row * MAP_COLUMNS + sight.column;
    visits.set(here, (visits.get(here) ?? 0) + 1);
    if (visits.size > 4000) visits.clear();
    if (isQuestion(sight.text)) return chance(0.6) ? YES : draw(ACTION_NAMES.length);
    if (chance(temper.random)) return draw(ACTION_NAMES.length);
    for (const name of CHANCES) if (chance(temper[name])) return actionId(name);
    if (/staircase down here|ladder down here/.test(sight.text) && chance(temper.descend)) return actionId('down');
    if (/You see here|several objects here|many objects here|You feel here/.test(sight.text) && chance(temper.pickup)) return actionId('pickup');
    if (/door is locked|This door is locked/.test(sight.text) && chance(0.5)) return actionId('kick');
    if (/diagonally (out of|into)/.test(sight.text)) return 1 + draw(4);
    // Stuck on one square: the doors of a dungeon are found by searching, its boulders left behind by chance.
    if ((visits.get(here) ?? 0) > 12 && chance(0.5)) return chance(0.5) ? actionId('search') : draw(17);
    const move = nextMove(sight, temper, visits, draw);
    return move ?? (chance(0.5) ? actionId('search') : 1 + draw(16));
  };
}

function isQuestion(text: string): boolean {
  return /\[[^\]]*\]\s*(\(.\))?\s*$|direction\?\s*$/.test(text);
}

/** The first step of a shortest way to a monster, an object, a staircase or a border of what is known; undefined: none. */
function nextMove({ glyphs, column, row }: Sight, temper: Temper, visits: Map<number, number>, draw: (count: number) => number): number | undefined {
  const start = row * MAP_COLUMNS + column;
  const first = new Int16Array(MAP_SQUARES).fill(-1);
  const queue = [start];
  first[start] = 0;
  const turn = draw(MOVES.length);
  for (let head = 0; head < queue.length; head++) {
    const square = queue[head] as number;
    const x = square % MAP_COLUMNS;
    const y = (square - x) / MAP_COLUMNS;
    for (let index = 0; index < MOVES.length; index++) {
      const choice = (index + turn) % MOVES.length;
      const [name, dx, dy] = MOVES[choice] as (typeof MOVES)[number];
      const [nx, ny] = [x + dx, y + dy];
      if (nx < 0 || ny < 0 || nx >= MAP_COLUMNS || ny >= MAP_ROWS) continue;
      const next = ny * MAP_COLUMNS + nx;
      if (first[next] !== -1) continue;
      const glyph = glyphs[next] as number;
      const monster = glyph < MONSTERS || (glyph < PETS_END && temper.fights);
      if (!monster && !isWalkable(glyph)) continue;
      // Nobody goes through a doorway on the slant.
      if (dx !== 0 && dy !== 0 && (isDoor(glyph) || isDoor(glyphs[square] as number))) continue;
      first[next] = square === start ? actionId(name) : (first[square] as number);
      const wanted = (glyph < MONSTERS && temper.fights) || isObject(glyph) || LEVEL.down.includes(glyph) || isBorder(glyphs, nx, ny);
      if (wanted && (visits.get(next) ?? 0) < 2) {
        // What cannot be entered (a boulder that is stuck) is given up after some tries.
        if (square === start) visits.set(next, (visits.get(next) ?? 0) + 0.4);
        return first[next];
      }
      queue.push(next);
    }
  }
  return undefined;
}

const isObject = (glyph: number): boolean => glyph >= OBJECTS.from && glyph < OBJECTS.to;
const isDoor = (glyph: number): boolean => glyph > LEVEL.doorsFrom && glyph <= LEVEL.closedTo;
const isWalkable = (glyph: number): boolean => isObject(glyph) || (glyph >= LEVEL.doorsFrom && glyph <= LEVEL.closedTo) || (glyph >= LEVEL.walkFrom && glyph <= LEVEL.walkTo);

function isBorder(glyphs: Int16Array, x: number, y: number): boolean {
  for (const [, dx, dy] of MOVES) {
    const [nx, ny] = [x + dx, y + dy];
    if (nx > 0 && ny > 0 && nx < MAP_COLUMNS && ny < MAP_ROWS && glyphs[ny * MAP_COLUMNS + nx] === GLYPH_BLANK) return true;
  }
  return false;
}
