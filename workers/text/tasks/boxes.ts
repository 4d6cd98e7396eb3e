/**
 * One or two boxes: the prompt `1 2 3 4;5 5 2 2>` asks for `[1,2,3,4][5,5,2,2]`, in any order. Graders after Vision-R1
 * (arXiv 2503.18013): `format`; `recall` and `precision` over boxes that are paired for the greatest sum of IoU, each
 * IoU by f(x) = 0 below low, 1 above high, else x, with the bounds of the first and of the second stage (`recall-1`,
 * `recall-2`, ...); `iou`: mean IoU over what was asked for.
 */
import { bestPairing, boxIou, type Box } from '../geometry.js';
import type { Draws } from '../draws.js';
import type { Json, Prompt, TextTask } from './task.js';

const BOX = /\[(\d),(\d),(\d),(\d)\]/g;
const BOXES_MAX = 3;
/** Bounds of f in the two stages (row 7). */
const STAGES = [
  [0.5, 0.75],
  [0.75, 0.9],
] as const;

/** 0 below `low`, 1 above `high`, else x. */
export function progressive(x: number, low: number, high: number): number {
  return x < low ? 0 : x > high ? 1 : x;
}

export function parseBoxes(text: string): { readonly boxes: readonly Box[]; readonly whole: boolean } {
  const found = [...text.matchAll(BOX)];
  const boxes = found.slice(0, BOXES_MAX).map((match) => {
    const [x, y, w, h] = match.slice(1).map(Number) as [number, number, number, number];
    return { x, y, w, h };
  });
  return { boxes, whole: found.length > 0 && found.length <= BOXES_MAX && found.map(([all]) => all).join('') === text };
}

/** IoU of each pair, for the pairing with the greatest sum. */
export function pairedIou(wanted: readonly Box[], made: readonly Box[]): number[] {
  const iou = (row: number, column: number): number => boxIou(wanted[row] as Box, made[column] as Box);
  return bestPairing(wanted.length, made.length, iou).map(([row, column]) => iou(row, column));
}

function written(boxes: readonly Box[]): string {
  return boxes.map(({ x, y, w, h }) => `[${x},${y},${w},${h}]`).join('');
}

function shaken({ x, y, w, h }: Box, draws: Draws, share: number): Box {
  const moved = (value: number, least: number): number => (draws.uniform() < share ? Math.max(least, Math.min(9, value + (draws.uniform() < 0.5 ? 1 : -1))) : value);
  return { x: moved(x, 0), y: moved(y, 0), w: moved(w, 1), h: moved(h, 1) };
}

export function boxes({ flaws }: { readonly flaws: number }): TextTask {
  const drawn = (draws: Draws): Box => ({ x: draws.index(6), y: draws.index(6), w: 2 + draws.index(4), h: 2 + draws.index(4) });
  const sum = (values: readonly number[], of: (value: number) => number): number => values.reduce((total, value) => total + of(value), 0);
  return {
    alphabet: [...new Set('0123456789 ;>[],')].sort().join(''),
    promptCharactersMax: 16,
    prompt(draws): Prompt {
      const truth = Array.from({ length: 1 + draws.index(2) }, () => drawn(draws));
      return { text: `${truth.map(({ x, y, w, h }) => [x, y, w, h].join(' ')).join(';')}>`, truth: truth as unknown as Json };
    },
    demonstration({ truth }, draws) {
      const text = written((truth as unknown as Box[]).map((box) => shaken(box, draws, flaws)));
      return draws.uniform() < flaws / 2 ? text.replace(']', '') : text;
    },
    rewards: ['format', ...STAGES.flatMap((_, stage) => [`recall-${stage + 1}`, `precision-${stage + 1}`]), 'iou'],
    grade(completion, json) {
      const wanted = json as unknown as Box[];
      const { boxes: made, whole } = parseBoxes(completion);
      const paired = pairedIou(wanted, made);
      const stages = STAGES.flatMap(([low, high]) => {
        const counted = sum(paired, (iou) => progressive(iou, low, high));
        return [counted / wanted.length, made.length === 0 ? 0 : counted / made.length];
      });
      return [whole ? 1 : 0, ...stages, sum(paired, (iou) => iou) / wanted.length];
    },
  };
}
