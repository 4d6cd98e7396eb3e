/** Units as a judge sees them. */
import { taskAndAnswer } from '../../annotator/prompts/list-prompt.js';
import type { Judgement } from '../judgements.js';

export interface JudgedUnit {
  readonly text: string;
  /** What it answers; null: not shown. */
  readonly task: string | null;
}

/** Of all units of a level, in order; undefined: a unit without a text. */
export type JudgedUnits = readonly (JudgedUnit | undefined)[];

/** Units of each group. */
export type Groups = readonly (readonly number[])[];

/** What the judge said to a question; undefined: it was not asked. */
export type AnswerOf = (question: Uint8Array) => Judgement | undefined;

/** A unit for a judge that looks at it alone, or beside one other. */
export function shownAlone({ text, task }: JudgedUnit): Uint8Array {
  return new Uint8Array(Buffer.from(taskAndAnswer(task, text), 'utf8'));
}
