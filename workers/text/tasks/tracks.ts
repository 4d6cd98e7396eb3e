/**
 * A thing that stands in a box for some moments: the prompt `2-5 at 3 4 2 1>` asks for the interval and the box twice,
 * first thought and then said: `<t>2-5:3,4,2,1</t><p>2-5:3,4,2,1</p>`. The box is the same at all its moments. Graders
 * after STVG-o1 (arXiv 2511.21375): `format`; `consistent` 1 where both intervals are equal; `tiou` of the interval that
 * is said; `think` and `predict`: mean over the shared moments of GIoU - L1 (coordinates by 10), 0 where none is shared;
 * `gain` max(predict - think, 0).
 */
import { boxL1, generalisedIou, sharedInterval, temporalIou, type Box, type Interval } from '../geometry.js';
import type { Draws } from '../draws.js';
import type { Json, Prompt, TextTask } from './task.js';

const SIDE = 10;
const PART = String.raw`(\d)-(\d):(\d),(\d),(\d),(\d)`;
const WHOLE = new RegExp(`^<t>${PART}</t><p>${PART}</p>$`);
const LOOSE = (tag: string): RegExp => new RegExp(`<${tag}>${PART}`);

export interface Track extends Interval, Box {}

const part = ({ from, to, x, y, w, h }: Track): string => `${from}-${to}:${x},${y},${w},${h}`;

function parsed(match: RegExpExecArray | null): Track | null {
  if (match === null) return null;
  const [from, to, x, y, w, h] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  return from <= to ? { from, to, x, y, w, h } : null;
}

/** Mean over the shared moments of GIoU - L1; 0 where there are none. */
export function spatialScore(made: Track | null, truth: Track): number {
  if (made === null || sharedInterval(made, truth) === null) return 0;
  const scaled = ({ x, y, w, h }: Box): Box => ({ x: x / SIDE, y: y / SIDE, w: w / SIDE, h: h / SIDE });
  // One box for all moments: their mean is that of one.
  return generalisedIou(scaled(made), scaled(truth)) - boxL1(scaled(made), scaled(truth));
}

function shaken(track: Track, draws: Draws, share: number): Track {
  const moved = (value: number, least: number): number => (draws.uniform() < share ? Math.max(least, Math.min(SIDE - 1, value + draws.index(5) - 2)) : value);
  const from = moved(track.from, 0);
  return { from, to: Math.max(from, moved(track.to, 0)), x: moved(track.x, 0), y: moved(track.y, 0), w: moved(track.w, 1), h: moved(track.h, 1) };
}

export function tracks({ flaws }: { readonly flaws: number }): TextTask {
  return {
    alphabet: [...new Set('0123456789- at>:,</tp')].sort().join(''),
    promptCharactersMax: 16,
    prompt(draws): Prompt {
      const from = draws.index(7);
      const truth = { from, to: from + 1 + draws.index(SIDE - 1 - from), x: draws.index(7), y: draws.index(7), w: 1 + draws.index(3), h: 1 + draws.index(3) };
      return { text: `${truth.from}-${truth.to} at ${truth.x} ${truth.y} ${truth.w} ${truth.h}>`, truth };
    },
    demonstration({ truth }, draws) {
      const right = truth as unknown as Track;
      const text = `<t>${part(shaken(right, draws, flaws))}</t><p>${part(shaken(right, draws, flaws))}</p>`;
      return draws.uniform() < flaws / 2 ? text.replace('</t>', '') : text;
    },
    rewards: ['format', 'consistent', 'tiou', 'think', 'predict', 'gain'],
    grade(completion, json: Json) {
      const truth = json as unknown as Track;
      const thought = parsed(LOOSE('t').exec(completion));
      const said = parsed(LOOSE('p').exec(completion));
      const [think, predict] = [spatialScore(thought, truth), spatialScore(said, truth)];
      const consistent = thought !== null && said !== null && thought.from === said.from && thought.to === said.to;
      return [WHOLE.test(completion) ? 1 : 0, consistent ? 1 : 0, said === null ? 0 : temporalIou(said, truth), think, predict, Math.max(predict - think, 0)];
    },
  };
}
