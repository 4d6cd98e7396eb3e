/** What a text task is: prompts with what is true of them, demonstrations, and graders. All of it is small and seeded. */
import type { Draws } from '../draws.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface Prompt {
  /** Not empty; characters of the task's alphabet. */
  readonly text: string;
  /** What graders and reward sources compare a completion with. */
  readonly truth: Json;
  /** Prompts with the same tag are reported together in evaluations, besides all: `return.<component>@<tag>`. */
  readonly tag?: string;
}

export interface TextTask {
  /** Every character that prompts and demonstrations may hold, each once. */
  readonly alphabet: string;
  /** Longest prompt. */
  readonly promptCharactersMax: number;
  prompt(draws: Draws): Prompt;
  /** What a writer of middling skill would answer: often right, sometimes flawed. */
  demonstration(prompt: Prompt, draws: Draws): string;
  /** Names of the components that `grade` gives, the environment's own rewards. */
  readonly rewards: readonly string[];
  /** One finite number for each component; a pure function, whatever the text. */
  grade(completion: string, truth: Json): readonly number[];
}
