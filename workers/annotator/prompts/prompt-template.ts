/** Prompts as data: a question, few-shot examples, the message, and the words that the reply is read by. */
import { hashOf } from '../../store/artifacts.js';

export interface PromptExample {
  readonly text: string;
  readonly helpful: boolean;
}

/**
 * A template never changes under its name: another wording is another name. A base model continues
 * `{question}\n{open} example{close} Word\n … {open} message{close}`; a chat model sees the examples as turns.
 */
export interface PromptTemplate {
  readonly name: string;
  /** `{goal}` stands for the goal of the job. */
  readonly question: string;
  readonly open: string;
  readonly close: string;
  readonly words: { readonly helpful: string; readonly unhelpful: string };
  /** Longer messages are cut, so that one message cannot fill the context of the model. */
  readonly textCharactersMax: number;
  /** For goals that come near the default of the template; a job with another goal brings its own. */
  readonly examples: readonly PromptExample[];
}

export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A template filled with a goal and examples. */
export class Prompt {
  readonly words: PromptTemplate['words'];
  /** Everything here that changes an answer, as plain JSON. */
  readonly material: Readonly<Record<string, unknown>>;
  /** Names the material in the `prompt_hash` column of the label log. */
  readonly hash: string;
  /** All that stands before the message, the same for each question. */
  readonly prefix: string;
  /** What stands after the message. */
  readonly close: string;
  private readonly question: string;

  constructor(
    readonly template: PromptTemplate,
    readonly goal: string,
    examples: readonly PromptExample[] | undefined,
  ) {
    const { question, open, close, words, textCharactersMax } = template;
    const shown = (examples ?? template.examples).map(({ text, helpful }) => ({ text: cleanText(text), helpful }));
    this.words = words;
    this.close = close;
    this.question = question.replaceAll('{goal}', goal.trim());
    this.material = { question, open, close, words, textCharactersMax, goal: goal.trim(), examples: shown };
    this.hash = hashOf(this.material);
    this.prefix = `${this.question}\n${shown.map(({ text, helpful }) => `${open} ${text}${close} ${this.word(helpful)}\n`).join('')}${open}`;
    this.turns = shown.flatMap(({ text, helpful }): ChatTurn[] => [
      { role: 'user', content: `${open} ${text}` },
      { role: 'assistant', content: this.word(helpful) },
    ]);
  }

  private readonly turns: readonly ChatTurn[];

  /** The message as the model sees it: one line, at most `textCharactersMax` characters. */
  message(text: Uint8Array): string {
    return cleanText(decodeText(text)).slice(0, this.template.textCharactersMax).trimEnd();
  }

  /** The whole prompt for a model that continues text. */
  completion(text: Uint8Array): string {
    return `${this.prefix} ${this.message(text)}${this.close}`;
  }

  /** The same question for a model that answers in turns. */
  chat(text: Uint8Array): ChatTurn[] {
    const { helpful, unhelpful } = this.words;
    const system: ChatTurn = { role: 'system', content: `${this.question}\nAnswer with one word: ${helpful} or ${unhelpful}.` };
    return [system, ...this.turns, { role: 'user', content: `${this.template.open} ${this.message(text)}` }];
  }

  private word(helpful: boolean): string {
    return helpful ? this.words.helpful : this.words.unhelpful;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** UTF-8 where the bytes are that, else one character for each byte (games of the 1980s know nothing else). */
export function decodeText(text: Uint8Array): string {
  try {
    return utf8.decode(text);
  } catch {
    return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('latin1');
  }
}

/** One line without control characters: a message cannot write further lines of the prompt. */
export function cleanText(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/gu, ' ').trim();
}
