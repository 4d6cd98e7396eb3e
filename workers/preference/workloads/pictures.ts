/**
 * States of a pole as small pictures, embedded by what is seen where, beside embeddings that stand for two texts. It has
 * what makes likeness to a goal hard where a vision language model embeds both: pictures of one state differ in much that
 * is not asked for, texts lie apart from pictures, and a text is not exactly in the middle of the pictures it is true of.
 */
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';
import { dot, Draw } from './draw.js';

type PicturesSpec = DataSpecOf<'pictures'>;

/** What is drawn apart: the scenes of the table, those behind the texts, what is wrong with the texts. */
const STREAM = { states: 1, upright: 2, any: 3, texts: 5 } as const;
/** Pictures whose mean a text stands for. */
const CAPTIONED = 64;
/** Largest angle of what is called upright, radians. */
const UPRIGHT = 0.15;
/** Cells along a side that an embedding tells apart. */
const CELLS = 4;
/** Numbers of an embedding: edges and light of each cell. */
export const PICTURE_FEATURES = 2 * CELLS * CELLS;

/** What a picture shows. Lengths are shares of a side; angle 0 is upright. */
export interface Scene {
  readonly angle: number;
  readonly foot: readonly [number, number];
  readonly length: number;
  readonly width: number;
  /** Brightness in the middle, and how much it rises over the picture to the right and downwards. */
  readonly light: readonly [number, number, number];
}

/** @param most largest angle to either side, radians */
export function drawnScene(draw: Draw, index: number, most: number, clutter: number): Scene {
  const around = (middle: number, spread: number, part: number): number => middle + clutter * spread * (2 * draw.uniform(index, part) - 1);
  return {
    angle: most * (2 * draw.uniform(index, 0) - 1),
    foot: [around(0.5, 0.12, 1), around(0.5, 0.12, 2)],
    length: Math.max(0.1, around(0.35, 0.08, 3)),
    width: Math.max(0.02, around(0.06, 0.02, 4)),
    light: [around(0.4, 0.15, 5), around(0, 0.3, 6), around(0, 0.3, 7)],
  };
}

/** Brightness of `side` x `side` pixels, row by row from the top: a bright pole before a background of another light. */
export function rendered({ angle, foot: [x, y], length, width, light: [light, right, down] }: Scene, side: number): Float32Array {
  const [alongX, alongY] = [Math.sin(angle), -Math.cos(angle)];
  return Float32Array.from({ length: side * side }, (_, pixel) => {
    const [px, py] = [((pixel % side) + 0.5) / side, (Math.floor(pixel / side) + 0.5) / side];
    const along = Math.min(length, Math.max(0, (px - x) * alongX + (py - y) * alongY));
    const distance = Math.hypot(px - x - along * alongX, py - y - along * alongY);
    const background = light + right * (px - 0.5) + down * (py - 0.5);
    const cover = Math.exp(-((distance / width) ** 2));
    return cover + (1 - cover) * background;
  });
}

/** How much brightness changes, and how bright it is, in each cell of a coarse grid, together of length 1. Nothing is learned. */
export function embedded(picture: Float32Array, side: number): Float32Array {
  const vector = new Float32Array(PICTURE_FEATURES);
  const at = (x: number, y: number): number => picture[y * side + x] as number;
  const pixels = (side / CELLS) ** 2;
  for (let y = 1; y < side - 1; y++) {
    for (let x = 1; x < side - 1; x++) {
      const cell = Math.floor((y * CELLS) / side) * CELLS + Math.floor((x * CELLS) / side);
      vector[cell] = (vector[cell] as number) + Math.hypot(at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1)) / pixels;
      vector[CELLS * CELLS + cell] = (vector[CELLS * CELLS + cell] as number) + (at(x, y) - 0.5) / pixels;
    }
  }
  return scaled(vector);
}

export function makePictures({ units, side, clutter, gap, captionNoise }: PicturesSpec, seed: number): Record<string, Dataset> {
  const shown = (stream: number, index: number, most: number): { scene: Scene; vector: Float32Array } => {
    const scene = drawnScene(new Draw(seed, stream), index, most, clutter);
    return { scene, vector: embedded(rendered(scene, side), side) };
  };
  const texts = new Draw(seed, STREAM.texts);
  const apart = texts.unit(PICTURE_FEATURES, 0);
  const text = (stream: number, number: number, most: number): Float32Array => {
    const middle = new Float32Array(PICTURE_FEATURES);
    for (let index = 0; index < CAPTIONED; index++) shown(stream, index, most).vector.forEach((value, part) => (middle[part] = (middle[part] as number) + value / CAPTIONED));
    const wrong = texts.unit(PICTURE_FEATURES, number);
    return middle.map((value, part) => value + gap * (apart[part] as number) + captionNoise * (wrong[part] as number));
  };
  const [goal, baseline] = [text(STREAM.upright, 1, UPRIGHT), text(STREAM.any, 2, Math.PI)];
  const states = Array.from({ length: units }, (_, index) => shown(STREAM.states, index, Math.PI));
  const every = (vector: Float32Array) => ({ width: PICTURE_FEATURES, values: Float32Array.from({ length: units * PICTURE_FEATURES }, (_, at) => vector[at % PICTURE_FEATURES] as number) });
  return {
    states: {
      rows: units,
      units: {
        embedding: { width: PICTURE_FEATURES, values: Float32Array.from({ length: units * PICTURE_FEATURES }, (_, at) => states[Math.floor(at / PICTURE_FEATURES)]?.vector[at % PICTURE_FEATURES] as number) },
        goal: every(goal),
        baseline: every(baseline),
        angle: { width: 1, values: Float32Array.from(states, ({ scene }) => scene.angle) },
        gold: { width: 1, values: Float32Array.from(states, ({ scene }) => (1 + Math.cos(scene.angle)) / 2) },
      },
      pairs: null,
      lists: null,
      facts: {},
    },
  };
}

function scaled(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((value) => value / length);
}
