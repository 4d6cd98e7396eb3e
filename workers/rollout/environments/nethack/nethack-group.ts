/** NetHack as a group of environments: up to some hundred games in one process, each with a library copy of its own. */
import type { NetHackSpec } from '../../../../proto/environments.js';
import { LaurelError } from '../../../../proto/errors.js';
import { nethackAsset, requireAsset } from '../../../assets/index.js';
import type { EnvironmentGroup, EpisodeSeed, ObservationBuffer, Spaces, StepOutcome } from '../environment.js';
import { ACTION_COUNT } from './actions.js';
import { Episode } from './episode.js';
import type { NetHackAssets } from './game-folder.js';
import { MAP_SQUARES, STATUS } from './layout.js';
import { CROP_SQUARES, writeCrop } from './map.js';
import { parseNetHackOptions } from './options.js';
import { MESSAGE_VIEW_BYTES, nethackSpaces } from './spaces.js';
import { STATISTIC_COUNT, writeStatistics } from './statistics.js';

export class NetHackGroup implements EnvironmentGroup {
  readonly spaces: Spaces;
  readonly deterministic = true;
  readonly observations: Readonly<Record<string, ObservationBuffer>>;
  private readonly episodes: (Episode | undefined)[];
  private readonly crop: Int16Array | undefined;
  private readonly message: Uint8Array | undefined;
  private readonly statisticRows: Float32Array | undefined;
  private readonly glyphs: Int16Array | undefined;
  private closed = false;

  /** `options`: checked by `parseNetHackOptions`. Games are loaded by their first `reset`. */
  constructor(
    private readonly options: NetHackSpec,
    readonly size: number,
    private readonly assets: NetHackAssets,
  ) {
    this.spaces = nethackSpaces(options);
    this.episodes = Array.from({ length: size }, () => undefined);
    const wanted = new Set(options.observations);
    this.crop = wanted.has('glyphs_crop') ? new Int16Array(size * CROP_SQUARES) : undefined;
    this.message = wanted.has('message') ? new Uint8Array(size * MESSAGE_VIEW_BYTES) : undefined;
    this.statisticRows = wanted.has('statistics') ? new Float32Array(size * STATISTIC_COUNT) : undefined;
    this.glyphs = wanted.has('glyphs') ? new Int16Array(size * MAP_SQUARES) : undefined;
    const buffers = { glyphs_crop: this.crop, message: this.message, statistics: this.statisticRows, glyphs: this.glyphs };
    this.observations = Object.fromEntries(Object.keys(this.spaces.observations).map((name) => [name, buffers[name as keyof typeof buffers] as ObservationBuffer]));
  }

  reset(index: number, seed: EpisodeSeed): void {
    if (this.closed) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected an open NetHack group, got a reset after close');
    if (!(index >= 0 && index < this.size)) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected an environment index below ${this.size}, got ${index}`);
    const episode = (this.episodes[index] ??= new Episode(this.assets, this.options));
    episode.start(seed);
    this.observe(index, episode);
  }

  step(actions: Int32Array | Float32Array, outcome: StepOutcome, only?: readonly number[]): void {
    if (only === undefined) for (let index = 0; index < this.size; index++) this.stepOne(index, actions[index] as number, outcome);
    else for (const index of only) this.stepOne(index, actions[index] as number, outcome);
  }

  statistics(index: number): Float32Array {
    return this.episodes[index]?.statistics() ?? new Float32Array(this.spaces.episodeStatistics.length);
  }

  close(): void {
    this.closed = true;
    for (const episode of this.episodes) episode?.close();
    this.episodes.fill(undefined);
  }

  private stepOne(index: number, action: number, outcome: StepOutcome): void {
    const episode = this.episodes[index];
    if (episode === undefined || !episode.active) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected environment ${index} to have an episode that runs; reset it before the next step`);
    if (!(action >= 0 && action < ACTION_COUNT)) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected an action from 0 to ${ACTION_COUNT - 1} for environment ${index}, got ${action}`);
    episode.step(action);
    const { player, result } = episode;
    const ended = player.terminated || result.success;
    outcome.rewards[index] = result.reward;
    outcome.failed[index] = player.failed ? 1 : 0;
    outcome.terminated[index] = ended && !player.failed ? 1 : 0;
    outcome.truncated[index] = !ended && !player.failed && episode.steps >= this.options.episodeStepsMax ? 1 : 0;
    if (outcome.truncated[index] === 1) episode.active = false;
    outcome.texts[index] = player.text();
    this.observe(index, episode);
  }

  /** Copies one game's screen into the rows of the group. A game without a screen leaves its last observation. */
  private observe(index: number, { game, player }: Episode): void {
    if (player.failed || !game.inNormalGame) return;
    const { status } = game;
    if (this.crop) writeCrop(this.crop, index * CROP_SQUARES, game.glyphs, status[2 * STATUS.column] as number, status[2 * STATUS.row] as number);
    if (this.statisticRows) writeStatistics(this.statisticRows, index * STATISTIC_COUNT, status, game.internal, player.promptOpen);
    if (this.glyphs) this.glyphs.set(game.glyphs, index * MAP_SQUARES);
    if (this.message) {
      const out = this.message;
      const { message } = player;
      const bytes = Math.min(player.messageBytes, MESSAGE_VIEW_BYTES);
      const offset = index * MESSAGE_VIEW_BYTES;
      let at = 0;
      for (; at < bytes; at++) out[offset + at] = message[at] as number;
      // Behind a message lies padding: at the first zero the rest is zero already.
      for (; at < MESSAGE_VIEW_BYTES && out[offset + at] !== 0; at++) out[offset + at] = 0;
    }
  }
}

/**
 * A group of `size` games.
 * @throws LaurelError LAUREL_JOB_INVALID where the game has no such character, LAUREL_ASSET_MISSING or LAUREL_ASSET_CORRUPT where the game's files are not on this machine.
 */
export async function createNetHackGroup(options: NetHackSpec, size: number): Promise<NetHackGroup> {
  const { library, data } = await requireAsset(nethackAsset);
  return new NetHackGroup(parseNetHackOptions(options), size, { library: library as string, data: data as string });
}
