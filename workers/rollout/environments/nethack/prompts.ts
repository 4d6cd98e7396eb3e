/**
 * What to do with the questions that the game asks. Most are declined at once; those that an agent should decide stay
 * open, and its next action is the answer. Rules are data, first match wins.
 */
import { KEY } from './actions.js';

/** How the agent's next action answers a question that stays open. */
export type OpenPrompt =
  /** "What do you want to eat? [fgh or ?*]": north-west ("y") takes the first letter offered, anything else declines. */
  | 'item'
  /** "Really attack the gnome?": north-west ("y") says yes, anything else declines. */
  | 'yes-no'
  /** "In what direction?": a move, up, down or wait (oneself) answers, anything else declines. */
  | 'direction';

export type PromptRule = { readonly pattern: RegExp } & ({ readonly open: OpenPrompt } | { readonly key: number });

const RULES: readonly PromptRule[] = [
  { pattern: /What do you want to (eat|drink)/, open: 'item' },
  { pattern: /direction[^?.!]*\?/, open: 'direction' },
  { pattern: /\b([Ee]at|[Dd]rink|[Aa]ttack|pray)\b[^?.!]*\?/, open: 'yes-no' },
  // To go on eating when told to stop is to choke.
  { pattern: /Stop eating\?/, key: KEY.yes },
  // The action "pay" means to pay, all at once.
  { pattern: /Itemized billing\?/, key: KEY.no },
  { pattern: /Pay\?/, key: KEY.yes },
];

/** The rule for a question, or undefined where it is declined. */
export function promptRule(question: string): PromptRule | undefined {
  return RULES.find(({ pattern }) => pattern.test(question));
}

const DIRECTION_KEYS = new Set(Array.from('hjklyubn<>.', (letter) => letter.charCodeAt(0)));

/** The key that an action means while a question is open. `question`: the text of it. */
export function answerKey(prompt: OpenPrompt, actionKey: number, question: string): number {
  switch (prompt) {
    case 'direction':
      return DIRECTION_KEYS.has(actionKey) ? actionKey : KEY.escape;
    case 'yes-no':
      return actionKey === KEY.yes ? KEY.yes : KEY.escape;
    case 'item': {
      const offered = /\[([a-zA-Z])/.exec(question)?.[1];
      return actionKey === KEY.yes && offered !== undefined ? offered.charCodeAt(0) : KEY.escape;
    }
  }
}
