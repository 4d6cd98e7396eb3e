/** The question to a judge of lists: all texts of a group at once, a score for each. */
import { LIST_CHARACTERS_MAX, LIST_SCORES } from '../../../proto/reward-judge.js';
import { hashOf } from '../../store/artifacts.js';
import { listLabels, listOf } from '../list.js';
import { cleanText } from './message-text.js';
import type { ChatTurn, Prompt } from './prompt-template.js';

/** A template never changes under its name: another wording is another name. */
export interface ListTemplate {
  readonly name: string;
  readonly mode: 'listwise';
  /** `{goal}` stands for the goal of the job. */
  readonly question: string;
  /** Stands before what all texts answer. */
  readonly task: string;
  /** What to do before the scores are written. */
  readonly reasoning: string;
  /** What the scores mean. */
  readonly scale: string;
  /** Longer texts are cut. */
  readonly textCharactersMax: number;
}

/** A template filled with a goal. A judge reads `{task} …`, then one line for each text: its letter, a colon, the text. */
export class ListPrompt {
  readonly mode = 'listwise';
  /** Everything here that changes an answer, as plain JSON. */
  readonly material: Readonly<Record<string, unknown>>;
  readonly hash: string;
  private readonly question: string;

  constructor(
    readonly template: ListTemplate,
    readonly goal: string,
  ) {
    const { name: _name, mode: _mode, ...wording } = template;
    this.question = template.question.replaceAll('{goal}', goal.trim());
    this.material = { ...wording, question: this.question, charactersMax: LIST_CHARACTERS_MAX, scores: LIST_SCORES, instructions: [this.instruction(false), this.instruction(true)] };
    this.hash = hashOf(this.material);
  }

  /** The texts as the judge sees them: one line each, with an equal share of the characters of a list at most. */
  texts(question: Uint8Array): string[] {
    const { texts } = listOf(question);
    const charactersMax = Math.min(this.template.textCharactersMax, Math.floor(LIST_CHARACTERS_MAX / texts.length));
    return texts.map((text) => cleanText(text).slice(0, charactersMax).trimEnd());
  }

  /** What the texts answer, as the judge sees it; undefined: it is not shown. */
  task(question: Uint8Array): string | undefined {
    const { task } = listOf(question);
    return task === null ? undefined : cleanText(task).slice(0, this.template.textCharactersMax).trimEnd();
  }

  /** The whole question as one text, for a model that follows the instruction at its end. */
  completion(question: Uint8Array): string {
    return `${this.question}\n${this.asked(question)}\n${this.instruction(false)}`;
  }

  /** @param json the answer is to be an object and nothing else (answerSchema) */
  chat(question: Uint8Array, json = false): ChatTurn[] {
    return [
      { role: 'system', content: `${this.question}\n${this.instruction(json)}` },
      { role: 'user', content: this.asked(question) },
    ];
  }

  /** JSON Schema of an answer in which each text of this question has one whole score. */
  answerSchema(question: Uint8Array): Readonly<Record<string, unknown>> {
    const labels = listLabels(listOf(question).texts.length);
    const score = { type: 'integer', enum: Array.from({ length: LIST_SCORES.most - LIST_SCORES.least + 1 }, (_, step) => LIST_SCORES.least + step) };
    const scores = { type: 'object', properties: Object.fromEntries(labels.map((label) => [label, score])), required: labels, additionalProperties: false };
    return { type: 'object', properties: { reasoning: { type: 'string' }, scores }, required: ['reasoning', 'scores'], additionalProperties: false };
  }

  private asked(question: Uint8Array): string {
    const task = this.task(question);
    const shown = this.texts(question);
    return [...(task === undefined ? [] : [`${this.template.task} ${task}`]), ...listLabels(shown.length).map((label, place) => `${label}: ${shown[place] as string}`)].join('\n');
  }

  private instruction(json: boolean): string {
    const { reasoning, scale } = this.template;
    const scores = '"scores": {"A": ..., "B": ..., ...}';
    return json ? `Answer with JSON: {"reasoning": "...", ${scores}}, with every letter once. ${reasoning} ${scale}` : `${reasoning} Then write a last line of its own that is exactly {${scores}}, with every letter once. ${scale}`;
  }
}

/** How a single text and what it answers are shown to a judge. */
export function taskAndAnswer(task: string | null | undefined, text: string): string {
  return task === null || task === undefined ? text : `Task: ${task} Answer: ${text}`;
}

/** What a judge is asked with. */
export type JudgePrompt = Prompt | ListPrompt;
