/**
 * A text adventure in turns: rooms in a ring, a key in one of them, a locked chest with a gem in another, an altar in a
 * third. The game is won by four deeds in this order: take the key, open the chest, take the gem, put it on the altar. A turn
 * is one command, answered by what is seen; a command that makes no sense here and now costs the turn. Every episode has the
 * same number of turns, so that episodes can be compared: once the game is won nothing happens any more.
 *
 * Rewards after the guide to multi-turn agents (arXiv 2510.01132): `won` is 1 in the turn that wins, and 0 in all others;
 * `dense` pays each deed when it is done (see `turnReward`).
 */
import type { TextAdventureSpec } from '../../../../proto/environments.js';
import { CounterRandom } from '../../../../proto/philox.js';
import type { EpisodeSeed, Spaces } from '../environment.js';
import type { EnvironmentModel, ModelOutcome } from '../model-group.js';

export const COMMANDS = ['go east', 'go west', 'take', 'open', 'put', 'wait'] as const;
export type Command = (typeof COMMANDS)[number];
const ROOMS = ['hall', 'cellar', 'attic', 'garden', 'kitchen', 'tower'] as const;

/** What is to be done, where, and what is said then. */
const DEEDS = [
  { command: 'take', at: 'key', says: 'You take the key.' },
  { command: 'open', at: 'chest', says: 'The key turns, the chest is open.' },
  { command: 'take', at: 'chest', says: 'You take the gem.' },
  { command: 'put', at: 'altar', says: 'The gem lies on the altar. You have won.' },
] as const satisfies readonly { readonly command: Command; readonly at: string; readonly says: string }[];
export const DEED_COUNT = DEEDS.length;

/** By deeds done: what is carried, and what stands in the room of the chest. */
const CARRIED = ['nothing', 'key', 'key', 'gem', 'nothing'] as const;
const CHEST = ['locked chest', 'locked chest', 'open chest, gem', 'open chest', 'open chest'] as const;

const TEXT_BYTES_MAX = 64;
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const SAID = { nothing: bytes('Nothing happens.'), over: bytes('The game is over.') } as const;

/**
 * Reward of a turn as it is handed out: r / max(1, rewarded turns) in a game that is won, r / all that could be had in one
 * that is lost. In this game a win has as many rewarded turns as there are deeds, so both are r / 4, which is known at once.
 * The total of an episode is at most 1, and 1 exactly where it is won.
 * @param given 1 in a turn with a deed, else 0
 */
export function turnReward(given: 0 | 1): number {
  return given / DEED_COUNT;
}

export function textAdventureSpaces(_spec: TextAdventureSpec): Spaces {
  return {
    observations: {
      message: { type: 'uint8', shape: [TEXT_BYTES_MAX], kind: 'text' },
      turn: { type: 'float32', shape: [1], kind: 'statistics', scale: 1 },
    },
    action: { kind: 'discrete', count: COMMANDS.length, names: COMMANDS },
    rewards: ['won', 'dense'],
    textBytesMax: TEXT_BYTES_MAX,
    episodeStatistics: ['success', 'deeds', 'turnsToWin', 'turnRewards'],
  };
}

export class TextAdventure implements EnvironmentModel {
  private room = 0;
  /** Rooms of key, chest and altar. */
  private places: { readonly key: number; readonly chest: number; readonly altar: number } = { key: 0, chest: 0, altar: 0 };
  /** Deeds done, in their order. */
  private deeds = 0;
  private turns = 0;
  private wonAfter = 0;

  constructor(private readonly spec: TextAdventureSpec) {}

  reset(seed: EpisodeSeed): void {
    const random = new CounterRandom(seed.low, 'environment');
    const draw = (count: number, part: number): number => Math.floor(random.uniform(part, seed.high) * count);
    const left = Array.from({ length: this.spec.rooms }, (_, room) => room);
    const taken = (part: number): number => left.splice(draw(left.length, part), 1)[0] as number;
    this.places = { key: taken(0), chest: taken(1), altar: taken(2) };
    this.room = draw(this.spec.rooms, 3);
    this.deeds = this.turns = this.wonAfter = 0;
  }

  step(action: ArrayLike<number>): ModelOutcome {
    this.turns += 1;
    const { given, text } = this.obey(COMMANDS[action[0] as number] as Command);
    const wins = given === 1 && this.deeds === DEED_COUNT;
    if (wins) this.wonAfter = this.turns;
    // That the turns are over is a rule of the game: nothing follows.
    return { rewards: [wins ? 1 : 0, turnReward(given)], terminated: this.turns >= this.spec.episodeStepsMax, text };
  }

  private obey(command: Command): { readonly given: 0 | 1; readonly text: Uint8Array } {
    const next = DEEDS[this.deeds];
    if (next === undefined) return { given: 0, text: SAID.over };
    if (command === 'go east' || command === 'go west') {
      const { rooms } = this.spec;
      this.room = (this.room + (command === 'go east' ? 1 : rooms - 1)) % rooms;
      return { given: 0, text: bytes(`You are in the ${ROOMS[this.room] as string}.`) };
    }
    if (command !== next.command || this.room !== this.places[next.at]) return { given: 0, text: SAID.nothing };
    this.deeds += 1;
    return { given: 1, text: bytes(next.says) };
  }

  observe(): Readonly<Record<string, ArrayLike<number>>> {
    const message = new Uint8Array(TEXT_BYTES_MAX);
    message.set(bytes(this.seen()));
    return { message, turn: [this.turns / this.spec.episodeStepsMax] };
  }

  statistics(): readonly number[] {
    const won = this.deeds === DEED_COUNT;
    return [won ? 1 : 0, this.deeds, won ? this.wonAfter : this.spec.episodeStepsMax, this.deeds * turnReward(1)];
  }

  /** The same words stand at the same places where they can: what is carried, what is here, where one is. */
  private seen(): string {
    if (this.deeds === DEED_COUNT) return 'You have won.';
    const { key, chest, altar } = this.places;
    const here = this.room === key && this.deeds === 0 ? 'key' : this.room === chest ? (CHEST[this.deeds] as string) : this.room === altar ? 'altar' : 'nothing';
    return `You carry ${CARRIED[this.deeds] as string}. Here: ${here}. This is the ${ROOMS[this.room] as string}.`;
  }
}
