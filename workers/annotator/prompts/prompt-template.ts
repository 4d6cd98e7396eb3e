/** Prompts as data: a question, few-shot examples, what is asked about, and the words that the reply is read by. */
import { LaurelError } from '../../../proto/errors.js';
import type { PairChoice } from '../../../proto/judges.js';
import { hashOf } from '../../store/artifacts.js';
import { pairOf } from '../pair.js';
import { cleanText, decodeText } from './message-text.js';

export interface PromptExample {
  readonly text: string;
  readonly helpful: boolean;
}
export interface PairExample {
  readonly first: string;
  readonly second: string;
  readonly preferred: PairChoice;
}

interface TemplateBase {
  readonly name: string;
  /** `{goal}` stands for the goal of the job. */
  readonly question: string;
  readonly open: string;
  readonly close: string;
  /** Longer messages are cut, so that one message cannot fill the context of the model. */
  readonly textCharactersMax: number;
}

/**
 * A template never changes under its name: another wording is another name. A base model continues
 * `{question}\n{open} example{close} Word\n … {open} message{close}`; a chat model sees the examples as turns.
 */
export interface PointwiseTemplate extends TemplateBase {
  readonly mode: 'pointwise';
  readonly words: { readonly helpful: string; readonly unhelpful: string };
  /** For goals that come near the default of the template; a job with another goal brings its own. */
  readonly examples: readonly PromptExample[];
}
/** As above with `{open} first{between} second{close}`. */
export interface PairwiseTemplate extends TemplateBase {
  readonly mode: 'pairwise';
  readonly between: string;
  readonly words: { readonly first: string; readonly second: string; readonly tie: string };
  readonly examples: readonly PairExample[];
}
export type PromptTemplate = PointwiseTemplate | PairwiseTemplate;

export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What a judge is told that explains first; part of the prompt's material. */
const REASONING = 'First say in one to three sentences what has just happened to the player and what it means for the goal.';

/** A template filled with a goal and examples. */
export class Prompt {
  readonly mode: PromptTemplate['mode'];
  /** Label words by the name of the answer (label-words, ANSWER_VALUES). */
  readonly words: Readonly<Record<string, string>>;
  /** Everything here that changes an answer, as plain JSON. */
  readonly material: Readonly<Record<string, unknown>>;
  /** Names the material in the `prompt_hash` column of the label log. */
  readonly hash: string;
  /** All that stands before what is asked about, the same for each question. */
  readonly prefix: string;
  /** What stands after it. */
  readonly close: string;
  private readonly question: string;
  private readonly turns: readonly ChatTurn[];
  /** The question with its examples as text. */
  private readonly told: string;

  /** @param examples those of the job; undefined: those of the template */
  constructor(
    readonly template: PromptTemplate,
    readonly goal: string,
    examples: readonly PromptExample[] | readonly PairExample[] | undefined,
    /** The judge explains before it answers. */
    readonly reasoning = false,
  ) {
    const { mode, question, open, close, words, textCharactersMax } = template;
    const shown = (examples ?? template.examples).map(cleanExample);
    this.mode = mode;
    this.words = words;
    this.close = close;
    this.question = question.replaceAll('{goal}', goal.trim());
    const wording = template.mode === 'pairwise' ? { between: template.between } : {};
    this.material = { question, open, close, words, textCharactersMax, goal: goal.trim(), examples: shown, ...wording, ...(reasoning && { reasoning: REASONING }) };
    this.hash = hashOf(this.material);
    const lines = shown.map((example) => ({ body: this.body(example), answer: this.words[answerOf(example)] as string }));
    this.prefix = `${this.question}\n${lines.map(({ body, answer }) => `${open}${body}${close} ${answer}\n`).join('')}${open}`;
    this.told = this.prefix.slice(0, this.prefix.length - open.length).trimEnd();
    this.turns = lines.flatMap(({ body, answer }): ChatTurn[] => [
      { role: 'user', content: `${open}${body}` },
      { role: 'assistant', content: answer },
    ]);
  }

  /** What is asked about, as it stands between `prefix` and `close`. */
  asked(question: Uint8Array): string {
    if (this.mode === 'pointwise') return this.body({ text: this.message(question) });
    const { first, second } = pairOf(question);
    return this.body({ first: this.message(first), second: this.message(second) });
  }

  /** A message as the model sees it: one line, at most `textCharactersMax` characters. */
  message(text: Uint8Array): string {
    return cleanText(decodeText(text)).slice(0, this.template.textCharactersMax).trimEnd();
  }

  /** The whole prompt for a model that continues text; with reasoning, one that follows the instruction at its end. */
  completion(question: Uint8Array): string {
    if (this.reasoning) return `${this.prefix}${this.asked(question)}${this.close}\n${this.instruction(false)}`;
    return `${this.prefix}${this.asked(question)}${this.close}`;
  }

  /**
   * The same question for a model that answers in turns.
   * @param json the answer is to be an object (answerSchema)
   */
  chat(question: Uint8Array, json = false): ChatTurn[] {
    const asked: ChatTurn = { role: 'user', content: `${this.template.open}${this.asked(question)}` };
    // Turns that answer at once would teach it not to explain: with reasoning the examples are told instead.
    if (this.reasoning) return [{ role: 'system', content: `${this.told}\n${this.instruction(json)}` }, asked];
    const turns = json ? this.turns.map((turn) => (turn.role === 'assistant' ? { ...turn, content: JSON.stringify({ answer: turn.content }) } : turn)) : this.turns;
    return [{ role: 'system', content: `${this.question}\n${this.instruction(json)}` }, ...turns, asked];
  }

  /** JSON Schema of an answer in which nothing but a label word can stand. */
  answerSchema(): Readonly<Record<string, unknown>> {
    const answer = { type: 'string', enum: Object.values(this.words) };
    return { type: 'object', properties: this.reasoning ? { reasoning: { type: 'string' }, answer } : { answer }, required: this.reasoning ? ['reasoning', 'answer'] : ['answer'], additionalProperties: false };
  }

  private instruction(json: boolean): string {
    const words = Object.values(this.words);
    const choice = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
    if (!this.reasoning) return json ? `Answer with JSON: {"answer": "..."}, where the answer is ${choice}.` : `Answer with one word: ${choice}.`;
    return json ? `Answer with JSON: {"reasoning": "...", "answer": "..."}. ${REASONING} The answer is ${choice}.` : `${REASONING} Then write a last line of its own that is exactly \`Answer: \` and one word: ${choice}.`;
  }

  private body(about: { readonly text: string } | { readonly first: string; readonly second: string }): string {
    if ('text' in about) return ` ${about.text}`;
    if (this.template.mode !== 'pairwise') throw new LaurelError('LAUREL_JOB_INVALID', `expected a prompt for pairs, ${this.template.name} asks about one message`);
    return ` ${about.first}${this.template.between} ${about.second}`;
  }
}

function cleanExample(example: PromptExample | PairExample): PromptExample | PairExample {
  return 'text' in example
    ? { text: cleanText(example.text), helpful: example.helpful }
    : { first: cleanText(example.first), second: cleanText(example.second), preferred: example.preferred };
}

function answerOf(example: PromptExample | PairExample): string {
  return 'text' in example ? (example.helpful ? 'helpful' : 'unhelpful') : example.preferred;
}
