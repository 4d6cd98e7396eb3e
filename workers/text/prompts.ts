/** Which prompts a run sees: pure functions of its seed. */
import { CounterRandom } from '../../proto/philox.js';
import { LaurelError } from '../../proto/errors.js';
import { Draws } from './draws.js';
import type { Prompt, TextTask } from './tasks/task.js';

/** One prompt in so many is never trained on. */
const HELD_OUT_ONE_IN = 8;
/** A task whose prompts are so few that none of one side is found in so many draws has no such side. */
const ATTEMPTS_MAX = 10_000;

/** Whether a prompt is kept for evaluation, by its text alone (FNV-1a): no seed mixes the two sides. */
export function isHeldOut(text: string): boolean {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return (hash ^ (hash >>> 15)) % HELD_OUT_ONE_IN === 0;
}

/** Prompts of training, by shard and number, and those of demonstrations (shard -1 in the counter's terms). */
export class TrainingPrompts {
  private readonly random: CounterRandom;

  constructor(
    private readonly task: TextTask,
    seed: number,
  ) {
    this.random = new CounterRandom(seed, 'textPrompt');
  }

  of(shard: number, number: number): Prompt {
    return draw(this.task, this.random, shard, number, false);
  }

  /** A prompt and what a demonstrator writes. */
  demonstration(number: number): { readonly prompt: Prompt; readonly completion: string } {
    const prompt = draw(this.task, this.random, DEMONSTRATIONS, number, false);
    return { prompt, completion: this.task.demonstration(prompt, new Draws(this.random, DEMONSTRATIONS, number, ANSWER)) };
  }
}

/** Addresses that no shard and no attempt has. */
const DEMONSTRATIONS = 0xffffffff;
const ANSWER = 0xffffffff;

/** Prompt `index` of an evaluation, one that is held out. */
export function evaluationPrompt(task: TextTask, seed: number, index: number): Prompt {
  return draw(task, new CounterRandom(seed, 'textPrompt'), 0, index, true);
}

function draw(task: TextTask, random: CounterRandom, shard: number, number: number, heldOut: boolean): Prompt {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const prompt = task.prompt(new Draws(random, shard, number, attempt));
    if (isHeldOut(prompt.text) === heldOut) return prompt;
  }
  throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected a prompt that is ${heldOut ? '' : 'not '}held out within ${ATTEMPTS_MAX} draws, found none; the task has too few prompts`);
}
