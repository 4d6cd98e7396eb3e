/** A unit as a vector: a column of numbers, or the words of its text. */
import { WordVectors } from './models/bag-of-words.js';
import { UnitView } from './rules/unit-view.js';
import type { UnitLevel } from './units.js';

/** Vectors of texts kept; beyond them all are forgotten, which costs time and changes nothing. */
const KEPT_MAX = 10_000;

export interface Features {
  /** Names of `UnitLevel.numbers` that are read. */
  readonly numbers: readonly string[];
  /** Undefined: the unit has none (no text, no such column). */
  of(level: UnitLevel, unit: number): Float64Array | undefined;
}

/** @param of `text`, or the name of a column of numbers @param dimensions of the vector of a text */
export function featuresOf(of: string, dimensions: number): Features {
  if (of !== 'text') {
    return {
      numbers: [of],
      of(level, unit) {
        const row = new UnitView(level, unit).numbers(of);
        return row && Float64Array.from(row);
      },
    };
  }
  const words = new WordVectors(dimensions);
  const known = new Map<string, Float64Array>();
  return {
    numbers: [],
    of(level, unit) {
      const { text } = new UnitView(level, unit);
      if (text === undefined) return undefined;
      let vector = known.get(text);
      if (!vector) {
        if (known.size >= KEPT_MAX) known.clear();
        known.set(text, (vector = words.sum(text)));
      }
      return vector;
    },
  };
}
