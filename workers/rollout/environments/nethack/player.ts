/**
 * An agent's view of a game: one action is one step, however many keys the game wants for it. Screens that only wait for
 * a key are passed over, questions are handled by the rules of `prompts.ts`, and the message that matters is kept: the
 * last one of the step, except that arriving on a level and growing in skill are not overwritten by what follows.
 */
import type { EpisodeSeed } from '../environment.js';
import { ACTION_KEYS, actionId, KEY } from './actions.js';
import type { Game } from './game.js';
import { INTERNAL, MESSAGE_BYTES, PROGRAM } from './layout.js';
import { answerKey, promptRule, type OpenPrompt } from './prompts.js';

/** Keys that one action may take; more means that the game waits for something that no rule knows. */
const KEYS_PER_STEP_MAX = 256;

const DOWN = actionId('down');
const CAST = actionId('cast');
const PICKUP = actionId('pickup');
/** What the game says on arrival by stairs or ladder. */
const ARRIVAL = /You (descend the stairs|climb down the ladder|fly down|fall down the (stairs|ladder))/;
/** What it says where a skill can be raised. */
const MORE_CONFIDENT = Buffer.from('more confident in your', 'latin1');
const LETTER_C = 'c'.charCodeAt(0);
/** Where in that phrase its first c stands. */
const C_OFFSET = MORE_CONFIDENT.indexOf(LETTER_C);
const NO_TEXT = new Uint8Array(0);

export class Player {
  private openPrompt: OpenPrompt | undefined;
  private keysLeft = 0;
  private goesDown = false;
  private messageIsFixed = false;
  private wantsEnhance = false;
  private lastText = NO_TEXT;

  /** The kept message; valid bytes are the first `messageBytes`. */
  readonly message = new Uint8Array(MESSAGE_BYTES);
  messageBytes = 0;
  /** True when the last step came down stairs or a ladder. */
  arrivedByStairs = false;
  /** The hero's game is over: dead, escaped or ascended. */
  terminated = false;
  /** The library gave up (panic, or it left without an ending) or asked for keys without end. */
  failed = false;

  constructor(readonly game: Game) {}

  /** @throws LaurelError LAUREL_ENVIRONMENT_FAILED where the game does not come up. */
  start(seed: EpisodeSeed): void {
    this.openPrompt = undefined;
    this.wantsEnhance = false;
    this.terminated = false;
    this.failed = false;
    this.beginStep(false);
    this.game.start(seed, () => this.readMessage());
    this.readMessage();
  }

  /** True while a question waits for the next action. */
  get promptOpen(): boolean {
    return this.openPrompt !== undefined;
  }

  /** The kept message in an array of its own; the same array as last time where the message is the same. */
  text(): Uint8Array {
    const { message, messageBytes, lastText } = this;
    if (messageBytes === lastText.length) {
      let same = 0;
      while (same < messageBytes && message[same] === lastText[same]) same++;
      if (same === messageBytes) return lastText;
    }
    this.lastText = messageBytes === 0 ? NO_TEXT : message.slice(0, messageBytes);
    return this.lastText;
  }

  /** Plays one action. Afterwards the game's buffers hold the last screen of the game proper (not of its ending). */
  step(action: number): void {
    this.beginStep(action === DOWN);
    const key = ACTION_KEYS[action] as number;
    const prompt = this.openPrompt;
    if (prompt !== undefined) {
      this.openPrompt = undefined;
      this.press(answerKey(prompt, key, this.screenMessage()));
    } else {
      this.press(key);
      if (action === CAST) this.chooseFromMenu(KEY.firstItem);
      else if (action === PICKUP) this.chooseFromMenu(KEY.selectAll, KEY.enter);
    }
    this.settle();
    if (this.wantsEnhance && this.openPrompt === undefined && !this.ended) {
      this.wantsEnhance = false;
      this.press(KEY.enhance);
      this.chooseFromMenu(KEY.firstItem);
      this.settle();
    }
  }

  private get ended(): boolean {
    return this.terminated || this.failed;
  }

  private beginStep(goesDown: boolean): void {
    this.keysLeft = KEYS_PER_STEP_MAX;
    this.goesDown = goesDown;
    this.messageBytes = 0;
    this.messageIsFixed = false;
    this.arrivedByStairs = false;
  }

  private press(key: number): void {
    if (this.ended) return;
    const { game } = this;
    const done = game.key(key);
    if (game.program[PROGRAM.gameOver] !== 0) {
      this.terminated = true;
      this.failed = game.program[PROGRAM.panicking] !== 0;
      this.messageIsFixed = false;
    } else if (done || --this.keysLeft === 0) {
      this.failed = true;
    }
    this.readMessage();
  }

  /** Presses keys until the game waits for a command, or for an answer that is the agent's to give. */
  private settle(): void {
    const { internal } = this.game;
    while (!this.ended) {
      if (internal[INTERNAL.waitsForSpace] !== 0) {
        this.press(KEY.space);
      } else if (internal[INTERNAL.linePrompt] !== 0) {
        this.press(KEY.escape);
      } else if (internal[INTERNAL.yesNoPrompt] !== 0) {
        const rule = promptRule(this.screenMessage());
        if (rule !== undefined && 'open' in rule) {
          this.openPrompt = rule.open;
          return;
        }
        this.press(rule?.key ?? KEY.escape);
      } else {
        return;
      }
    }
  }

  /** Presses keys of a menu, if one is open: a screen that waits and has no message. */
  private chooseFromMenu(...keys: number[]): void {
    const { internal, message } = this.game;
    if (internal[INTERNAL.waitsForSpace] !== 0 && message[0] === 0) for (const key of keys) this.press(key);
  }

  private screenMessage(): string {
    const { message } = this.game;
    const end = message.indexOf(0);
    return Buffer.from(message.buffer, message.byteOffset, end < 0 ? MESSAGE_BYTES : end).toString('latin1');
  }

  /** Takes the screen's message over, unless it is empty or an earlier one of this step is to be kept. */
  private readMessage(): void {
    if (this.messageIsFixed) return;
    const screen = this.game.message;
    const kept = this.message;
    let end = 0;
    let letter = screen[0] as number;
    if (letter === 0) return;
    let confident = false;
    do {
      kept[end] = letter;
      if (letter === LETTER_C && screen[end + 1] === 0x6f && screen[end + 3] === 0x66) confident ||= this.isConfident(end - C_OFFSET);
      end++;
      letter = screen[end] as number;
    } while (end < MESSAGE_BYTES && letter !== 0);
    this.messageBytes = end;
    if (confident) {
      this.wantsEnhance = true;
      this.messageIsFixed = true;
    }
    if (this.goesDown && ARRIVAL.test(this.screenMessage())) {
      this.arrivedByStairs = true;
      this.messageIsFixed = !this.terminated;
    }
  }

  private isConfident(at: number): boolean {
    const screen = this.game.message;
    return at >= 0 && MORE_CONFIDENT.every((letter, index) => screen[at + index] === letter);
  }
}
