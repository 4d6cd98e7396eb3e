/** A reward source, compiled from its part of the job: a pure function of a segment and of labels at a position. */
import type { ModelContext } from '../models/text-values.js';
import type { RewardColumn } from '../reward-column.js';
import type { RewardInput } from '../reward-input.js';

/** What a source of kind `model` looks at besides the segment. */
export type SourceContext = ModelContext;

export interface CompiledSource {
  /** Whether a value may be unknown. */
  readonly masked: boolean;
  evaluate(input: RewardInput, context: SourceContext): RewardColumn;
}
