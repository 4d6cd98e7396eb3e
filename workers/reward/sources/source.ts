/** A reward source, compiled from its part of the job: a pure function of units, of labels at a position and of what it prepared. */
import type { ErrorCode } from '../../../proto/errors.js';
import type { Judgements } from '../judgements.js';
import type { ModelContext } from '../models/text-values.js';
import type { RewardColumn } from '../reward-column.js';
import type { RewardInput } from '../reward-input.js';
import type { Units } from '../units.js';

/** What a source looks at besides the units of its level. */
export interface SourceContext extends ModelContext {
  /** All levels of the batch, for what is said of a unit by the units that it holds. */
  readonly units?: Units;
  /** The file that the source names. */
  readonly file?: Uint8Array | undefined;
  /** Asks the judge of the source, or reads what it answered; by digest of the question. */
  readonly judged?: ((questions: readonly Uint8Array[], signal?: AbortSignal) => Promise<Judgements>) | undefined;
  /** Told of units that a program or rule failed for. */
  readonly report?: ((code: ErrorCode, units: number) => void) | undefined;
  /** What `prepare` returned for this level. */
  readonly prepared?: unknown;
}

/**
 * How much of the episodes that run across the start of the batch must stand in the level: nothing; the unit before; or all
 * of them from their true beginning. Units of before are evaluated like all others and cut off afterwards, so no source
 * keeps a state: it goes through each episode in order of time, and the values are the same however batches are cut.
 */
export const HISTORIES = ['none', 'previous', 'episode'] as const;
export type History = (typeof HISTORIES)[number];

export interface CompiledSource {
  /** Whether a value may be unknown. */
  readonly masked: boolean;
  /** Names of `UnitLevel.numbers` that it reads: `observation.<tensor>`, `action`, `logprob`. */
  readonly numbers?: readonly string[];
  /** Default: none. */
  readonly history?: History;
  /** Work that cannot be done at once (a model, an isolate); its result comes to `evaluate` as `context.prepared`. */
  prepare?(level: RewardInput, context: SourceContext, work: { readonly signal?: AbortSignal | undefined }): Promise<unknown>;
  /** Synchronous and pure. One column, or one for each element of a vector; arrays have `level.units` entries. */
  evaluate(level: RewardInput, context: SourceContext): RewardColumn | readonly RewardColumn[];
}

export function columnsOf(result: RewardColumn | readonly RewardColumn[]): readonly RewardColumn[] {
  return Array.isArray(result) ? (result as readonly RewardColumn[]) : [result as RewardColumn];
}
