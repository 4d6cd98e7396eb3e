/** A reward source, compiled from its part of the job: a pure function of a segment and of labels at a position. */
import type { LabelView } from '../../annotator/label-table.js';
import type { RewardColumn } from '../reward-column.js';
import type { RewardInput } from '../reward-input.js';

export interface SourceContext {
  /** The labels of this source, for sources of kind `model`. */
  readonly labels?: LabelView | undefined;
}

export interface CompiledSource {
  /** Whether a value may be unknown. */
  readonly masked: boolean;
  evaluate(input: RewardInput, context: SourceContext): RewardColumn;
}
