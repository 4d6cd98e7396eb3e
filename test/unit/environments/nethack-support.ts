/** What the tests of the NetHack environment share. */
import { CounterRandom } from '../../../proto/philox.js';
import { ensureAsset, nethackAsset } from '../../../workers/assets/index.js';
import { createStepOutcome, type EpisodeSeed, type StepOutcome } from '../../../workers/rollout/environments/environment.js';
import { ACTION_NAMES, actionId, type ActionName } from '../../../workers/rollout/environments/nethack/actions.js';
import { createNetHackGroup, type NetHackGroup } from '../../../workers/rollout/environments/nethack/nethack-group.js';
import { parseNetHackOptions } from '../../../workers/rollout/environments/nethack/options.js';

/** False on a platform for which the game has no build: there is nothing to play there. */
export const isPlayable = nethackAsset.unsupported === undefined;

const open = new Set<NetHackGroup>();

/** A group with its outcome, fetching the game's files on the first use on this machine; `closeGroups` closes it. */
export async function openGroup(options: Record<string, unknown> = {}, size = 1): Promise<Playing> {
  await ensureAsset(nethackAsset);
  const group = await createNetHackGroup(parseNetHackOptions({ kind: 'nethack', ...options }), size);
  open.add(group);
  return new Playing(group);
}

export function closeGroups(): void {
  for (const group of open) group.close();
  open.clear();
}

/** Plays environment 0 (or another one) of a group by action names or recorded letters ("A" is action 0). */
export class Playing {
  readonly outcome: StepOutcome;
  private readonly actions: Int32Array;

  constructor(readonly group: NetHackGroup) {
    this.outcome = createStepOutcome(group.spaces, group.size);
    this.actions = new Int32Array(group.size);
  }

  start(seed: EpisodeSeed, index = 0): void {
    this.group.reset(index, seed);
  }

  /** Steps one environment; gives the text that follows. */
  act(action: ActionName | number, index = 0): string {
    this.actions[index] = typeof action === 'number' ? action : actionId(action);
    this.group.step(this.actions, this.outcome, [index]);
    return Buffer.from(this.outcome.texts[index] as Uint8Array).toString('latin1');
  }

  /** Plays recorded letters; gives the last text and the sum of rewards. */
  replay(letters: string, index = 0): { text: string; reward: number } {
    let text = '';
    let reward = 0;
    for (const letter of letters) {
      text = this.act(letter.charCodeAt(0) - 65, index);
      reward += this.reward(index);
    }
    return { text, reward };
  }

  reward(index = 0): number {
    return this.outcome.rewards[index] as number;
  }

  statistic(name: string, index = 0): number {
    return this.group.statistics(index)[this.group.spaces.episodeStatistics.indexOf(name)] as number;
  }

  /** The message observation as a string, zero padding taken off. */
  message(index = 0): string {
    const bytes = (this.group.observations['message'] as Uint8Array).subarray(index * 96, index * 96 + 96);
    return Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
  }
}

/** Actions drawn uniformly, without the one that needs a god's patience. */
export function drawActions(seed: number): (step: number) => number {
  const random = new CounterRandom(seed, 'test');
  const ids = ACTION_NAMES.flatMap((name, id) => (name === 'pray' ? [] : [id]));
  return (step) => ids[Math.floor(random.uniform(step) * ids.length)] as number;
}
