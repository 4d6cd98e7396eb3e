/** The reward expression of a job, compiled: sources, then shaping, then the combination. Pure. */
import type { Job } from '../../proto/job.js';
import { linearSum } from './combinators/linear.js';
import type { RewardColumn } from './reward-column.js';
import { applyShape } from './shaping/registry.js';
import { compileSource } from './sources/registry.js';
import { columnsOf, type CompiledSource, type SourceContext } from './sources/source.js';
import { levelOf, type Units } from './units.js';

/** Name of the combined reward, the last component. */
export const TOTAL = 'total';

export type RewardParts = Pick<Job, 'sources' | 'shape' | 'combine'>;

export class RewardGraph {
  /** Component names: each source after shaping, in the order of the job, and last the total. */
  readonly components: readonly string[];
  private readonly sources: Readonly<Record<string, CompiledSource>>;

  constructor(private readonly parts: RewardParts) {
    this.sources = Object.fromEntries(Object.entries(parts.sources).map(([name, spec]) => [name, compileSource(name, spec)]));
    this.components = [...Object.keys(parts.sources), TOTAL];
  }

  /**
   * One column for each component. Units do not depend on each other: the values are the same however units are grouped.
   * @param contexts labels and reward model by source name, for every source of kind `model`
   * @param weights in force; a source that is not named has weight 0
   */
  evaluate(units: Units, contexts: Readonly<Record<string, SourceContext>>, weights: Readonly<Record<string, number>>): RewardColumn[] {
    const input = levelOf(units, units.base);
    const shaped = Object.entries(this.sources).map(([name, source]) => {
      const [raw] = columnsOf(source.evaluate(input, contexts[name] ?? {})) as [RewardColumn];
      return this.parts.shape.filter((shape) => shape.on === name).reduce((column, shape) => applyShape(shape, column, input), raw);
    });
    const terms = Object.entries(this.parts.sources).map(([name, spec], index) => ({
      column: shaped[index] as RewardColumn,
      weight: weights[name] ?? 0,
      unknown: spec.kind === 'model' ? spec.unknown : ('omit' as const),
    }));
    return [...shaped, linearSum(terms, input.units)];
  }
}
