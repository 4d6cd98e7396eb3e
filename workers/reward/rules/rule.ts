/** A rule, compiled: what it says of one unit, from that unit alone. */
import type { ErrorCode } from '../../../proto/errors.js';
import type { UnitView } from './unit-view.js';

/** Why a rule says nothing of a unit. */
export interface RuleFault {
  readonly code: ErrorCode;
  readonly message: string;
}

/** A value, several (a vector), nothing by its own choice (null: unknown), or a fault (unknown, status error). */
export type Verdict = number | readonly number[] | null | RuleFault;

export function isFault(verdict: Verdict): verdict is RuleFault {
  return verdict !== null && typeof verdict === 'object' && !Array.isArray(verdict);
}

export function missing(what: string): RuleFault {
  return { code: 'LAUREL_REWARD_INPUT_MISSING', message: `expected ${what} of the unit, it has none` };
}

export interface CompiledRule {
  /** Elements of its vector; 0: one number. */
  readonly elements?: number;
  /** Names of `UnitLevel.numbers`. */
  readonly numbers?: readonly string[];
  /** Whether the verdict follows from text, prompt, reference and ground truth: equal ones are judged once. */
  readonly textsOnly: boolean;
  /** Whether units without a text are judged too; else they are worth a known 0. */
  readonly withoutText?: boolean;
  /** Default: mask. */
  readonly onError?: 'mask' | 'park';
  readonly judge: (units: readonly UnitView[]) => readonly Verdict[];
  /** In place of `judge`, where it cannot be done at once. */
  readonly judgeLater?: (units: readonly UnitView[], work: { readonly signal?: AbortSignal | undefined }) => Promise<readonly Verdict[]>;
}

/** A rule that takes one unit after the other. */
export function eachUnit(rule: Omit<CompiledRule, 'judge'>, valueOf: (unit: UnitView) => Verdict): CompiledRule {
  return { ...rule, judge: (units) => units.map(valueOf) };
}
