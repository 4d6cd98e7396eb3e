/** A judge answers whether a message is helpful. Each answer depends on the message alone, never on what else is asked. */
import type { LaurelError } from '../../../proto/errors.js';
import type { PairChoice } from '../../../proto/judges.js';
import type { LabelStatus } from '../../../proto/schemas.js';

export interface JudgeAnswer {
  readonly status: LabelStatus;
  /** Mean value of the label words (label-words, ANSWER_VALUES) by the probabilities of the next token; null where the judge gave only text, or no verdict. */
  readonly probability: number | null;
  /** What the log stores: the probability, or 0 or 1 where a text was parsed; null unless the status is ok, and of a list. */
  readonly label: number | null;
  /** Of a pair; null for one message, or where there is no verdict. */
  readonly choice: PairChoice | null;
  /** Of a list: how far each text keeps to the principle, 0 to 1, in the order of the question; absent unless the status is ok. */
  readonly values?: readonly number[];
  /** Who answered, where a judge speaks for several. */
  readonly model?: string;
  /** Raw reply, for people. */
  readonly reply: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly latencyMs: number;
}

/** `text`: a message, a pair as bytes (pair, pairText), or a list (list, listText). `index` is the place of the message among the questions that were pulled, from 0. */
export type Outcome =
  | { readonly kind: 'answer'; readonly index: number; readonly text: Uint8Array; readonly answer: JudgeAnswer }
  /** The judge could not be reached: no fault of the message, so no attempt of it. */
  | { readonly kind: 'unavailable'; readonly index: number; readonly text: Uint8Array; readonly error: LaurelError };

export interface AskOptions {
  /** Ends the asking at once; requests in flight are given up. */
  readonly signal: AbortSignal;
}

export type Questions = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface Judge {
  /** Name for people, and the `model` column of the log. */
  readonly id: string;
  /** What tells this model from another: digest of its file, or its address and name. */
  readonly digest: string;
  /** Everything about the judge that changes an answer, as plain JSON; part of the annotator id. */
  readonly material: Readonly<Record<string, unknown>>;
  /** Questions that are asked at the same time at most. */
  readonly concurrency: number;
  /** Why the latest request failed, where no request has succeeded since; undefined while the judge is well. */
  readonly trouble: LaurelError | undefined;
  /**
   * Answers in the order in which they come. Questions are pulled one by one when there is room for one more, so that the
   * caller decides late what is asked next, and may stop.
   * @throws LaurelError LAUREL_JUDGE_REFUSED, LAUREL_MODEL_INVALID; the reason of the signal when it is aborted
   */
  ask(questions: Questions, options: AskOptions): AsyncIterable<Outcome>;
  dispose(): Promise<void>;
}

export type AnswerRest = Pick<JudgeAnswer, 'reply' | 'tokensIn' | 'tokensOut' | 'latencyMs'>;

export function answered(label: number, probability: number | null, choice: PairChoice | null, rest: AnswerRest): JudgeAnswer {
  return { status: 'ok', probability, label, choice, ...rest };
}

/** @param values 0 to 1, one for each text of a list */
export function answeredList(values: readonly number[], rest: AnswerRest): JudgeAnswer {
  return { status: 'ok', probability: null, label: null, choice: null, values, ...rest };
}

export function unanswered(status: Exclude<LabelStatus, 'ok'>, rest: AnswerRest): JudgeAnswer {
  return { status, probability: null, label: null, choice: null, ...rest };
}
