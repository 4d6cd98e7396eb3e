/** Source `embedding`: how like a unit is to a goal. */
import type { EmbeddingSource } from '../../../proto/reward-embedding.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { featuresOf } from '../features.js';
import { cosine, WordVectors } from '../models/bag-of-words.js';
import { knownColumn } from '../reward-column.js';
import { asText } from '../rules/text-rule.js';
import { readingOf, UnitView } from '../rules/unit-view.js';
import type { CompiledSource } from './source.js';

type Vector = Float64Array;

/** A unit without a text has nothing to compare: a known 0. */
export function compileEmbeddingSource(spec: EmbeddingSource): CompiledSource {
  const features = featuresOf(spec.of, spec.dimensions);
  const goalOf = placeOf(spec.goal, spec.dimensions);
  const baselineOf = spec.baseline === null ? null : placeOf(spec.baseline, spec.dimensions);
  return {
    masked: true,
    numbers: features.numbers,
    evaluate(level) {
      const column = knownColumn(level.units);
      for (let unit = 0; unit < level.units; unit++) {
        if (spec.of === 'text' && (level.textIndex[unit] as number) < 0) continue;
        const view = new UnitView(level, unit);
        const [state, goal, baseline] = [features.of(level, unit), goalOf(view), baselineOf?.(view)];
        if (!state || state.length !== goal?.length || (baselineOf !== null && baseline?.length !== state.length)) {
          column.mask[unit] = 0;
          column.confidence[unit] = 0;
          column.status[unit] = REWARD_STATUS.error;
          continue;
        }
        const value = spec.form === 'cosine' ? cosine(state, goal) : projected(state, goal, baseline, spec.alpha);
        column.value[unit] = spec.threshold === null || value > spec.threshold ? value : 0;
      }
      return column;
    },
  };
}

function placeOf(place: EmbeddingSource['goal'], dimensions: number): (unit: UnitView) => Vector | undefined {
  if (Array.isArray(place)) {
    const fixed = Float64Array.from(place);
    return () => fixed;
  }
  const words = new WordVectors(dimensions);
  if (typeof place === 'string') {
    const fixed = words.sum(place);
    return () => fixed;
  }
  const reading = readingOf(place.path);
  return (unit) => {
    const value = unit.read(reading);
    return value === undefined ? undefined : words.sum(asText(value));
  };
}

/** 1 - |a p(s - g) + (1 - a)(s - g)|^2 / 2 (Rocamonde et al., arXiv 2310.12921), all vectors of length 1. */
export function projected(state: Vector, goal: Vector, baseline: Vector | undefined, alpha: number): number {
  const [s, g] = [unitVector(state), unitVector(goal)];
  const off = s.map((value, index) => value - (g[index] as number));
  const line = baseline ? unitVector(g.map((value, index) => value - (unitVector(baseline)[index] as number))) : g;
  const along = dot(off, line);
  const mixed = off.map((value, index) => alpha * along * (line[index] as number) + (1 - alpha) * value);
  return 1 - dot(mixed, mixed) / 2;
}

export function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] as number) * (b[index] as number);
  return sum;
}

/** A vector of zeros stays one. */
export function unitVector(vector: Vector): Vector {
  const length = Math.sqrt(dot(vector, vector));
  return length === 0 ? vector : vector.map((value) => value / length);
}
