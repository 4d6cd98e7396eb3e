/** Reads the map of glyphs: what is around the hero, what has been seen. */
import { GLYPH_BLANK, GLYPH_COUNT, GLYPH_ORACLE, MAP_COLUMNS, MAP_ROWS, MAP_SQUARES } from './layout.js';

export const CROP_SIDE = 9;
export const CROP_SQUARES = CROP_SIDE * CROP_SIDE;
/** Id of a square outside the map; one above the game's glyphs. */
export const GLYPH_OUTSIDE = GLYPH_COUNT;
export const GLYPH_VOCABULARY = GLYPH_COUNT + 1;

const REACH = (CROP_SIDE - 1) / 2;

/** Writes the square of glyphs around (column, row), row-major, at `offset` of `out`. */
export function writeCrop(out: Int16Array, offset: number, glyphs: Int16Array, column: number, row: number): void {
  const left = column - REACH;
  const top = row - REACH;
  let at = offset;
  if (left >= 0 && top >= 0 && left + CROP_SIDE <= MAP_COLUMNS && top + CROP_SIDE <= MAP_ROWS) {
    for (let y = 0; y < CROP_SIDE; y++) {
      let from = (top + y) * MAP_COLUMNS + left;
      for (let x = 0; x < CROP_SIDE; x++) out[at++] = glyphs[from++] as number;
    }
    return;
  }
  for (let y = top; y < top + CROP_SIDE; y++) {
    for (let x = left; x < left + CROP_SIDE; x++) {
      out[at++] = y >= 0 && y < MAP_ROWS && x >= 0 && x < MAP_COLUMNS ? (glyphs[y * MAP_COLUMNS + x] as number) : GLYPH_OUTSIDE;
    }
  }
}

/** True where the Oracle stands on one of the eight squares around (column, row). */
export function isBesideOracle(glyphs: Int16Array, column: number, row: number): boolean {
  for (let y = Math.max(0, row - 1); y <= Math.min(MAP_ROWS - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(MAP_COLUMNS - 1, column + 1); x++) {
      if (glyphs[y * MAP_COLUMNS + x] === GLYPH_ORACLE) return true;
    }
  }
  return false;
}

/** Four blank squares read as one 64-bit number: most of a map is blank, and so is passed over four squares at a time. */
const BLANK_QUAD = new Float64Array(new Int16Array(4).fill(GLYPH_BLANK).buffer)[0] as number;

/** Squares that show anything. `quads`: the same map as 64-bit numbers, four squares each, without the squares left over. */
export function countSeen(glyphs: Int16Array, quads: Float64Array): number {
  let seen = 0;
  for (let index = 0; index < quads.length; index++) {
    if (quads[index] === BLANK_QUAD) continue;
    const square = 4 * index;
    seen += (glyphs[square] !== GLYPH_BLANK ? 1 : 0) + (glyphs[square + 1] !== GLYPH_BLANK ? 1 : 0) + (glyphs[square + 2] !== GLYPH_BLANK ? 1 : 0) + (glyphs[square + 3] !== GLYPH_BLANK ? 1 : 0);
  }
  for (let square = 4 * quads.length; square < MAP_SQUARES; square++) if (glyphs[square] !== GLYPH_BLANK) seen++;
  return seen;
}

/** The squares seen in one episode, level by level. */
export class Exploration {
  private readonly byLevel = new Map<number, number>();
  total = 0;

  clear(): void {
    this.byLevel.clear();
    this.total = 0;
  }

  /** Takes the number of squares seen on a level; a level never counts for less than the most it has shown. */
  see(dungeon: number, level: number, squares: number): void {
    const key = dungeon * 256 + level;
    const before = this.byLevel.get(key) ?? 0;
    if (squares <= before) return;
    this.byLevel.set(key, squares);
    this.total += squares - before;
  }
}
