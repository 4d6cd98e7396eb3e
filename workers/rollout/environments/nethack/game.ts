/** One game of NetHack: start it from a seed, press keys, look at what the library reports. */
import { LaurelError } from '../../../../proto/errors.js';
import { philox4x32 } from '../../../../proto/philox.js';
import type { EpisodeSeed } from '../environment.js';
import { KEY } from './actions.js';
import { addressOf, Binding } from './binding.js';
import { GameFolder, type NetHackAssets } from './game-folder.js';
import { ARENA, FOLDER_BYTES, INTERNAL, MAP_SQUARES, MESSAGE_BYTES, OBSERVATION, POINTER, PROGRAM, SETTINGS, STATUS_COUNT } from './layout.js';

/** The usual task set-up; `name:` carries the character. Colour belongs to it: without, remembered floor has another glyph. */
export const GAME_OPTIONS: readonly string[] = [
  'autopickup',
  'color',
  'disclose:+i +a +v +g +c +o',
  'mention_walls',
  'nobones',
  'nocmdassist',
  'nolegacy',
  'nosparkle',
  'pickup_burden:unencumbered',
  'pickup_types:$?!/',
  'runmode:teleport',
  'showexp',
  'showscore',
  'time',
];
/** A date that brings no luck either way: a Wednesday at noon, the moon neither new nor full. */
const CALENDAR_SEED = 38;
/** 2000-01-01, and the span of start times drawn from the seed: the game takes names of shopkeepers and kinds of ants from it. */
const START_TIME_S = 946_684_800;
const START_SPAN_S = 25 * 365 * 86_400;
/** Greetings to get past at the start, and screens at the end. */
const INTRO_KEYS_MAX = 64;
const ENDING_KEYS_MAX = 64;

export class Game {
  private readonly folder: GameFolder;
  private readonly memory = Buffer.allocUnsafeSlow(ARENA.bytes).fill(0);
  private readonly words = new Int32Array(this.memory.buffer);
  private readonly seedWords = new Uint32Array(4);
  private readonly observationAddress: number;
  private readonly base: number;
  private binding: Binding | undefined;
  private game = 0;

  /** int16 [21, 79], row-major. */
  readonly glyphs = new Int16Array(this.memory.buffer, ARENA.glyphs, MAP_SQUARES);
  /** The same map four squares at a time, without the squares left over. */
  readonly glyphQuads = new Float64Array(this.memory.buffer, ARENA.glyphs, MAP_SQUARES >> 2);
  /** Low and high word of each status number: number i is `status[2 * i]` (all fit 32 bits). */
  readonly status = new Int32Array(this.memory.buffer, ARENA.status, STATUS_COUNT * 2);
  /** Latin-1, ends at the first zero. */
  readonly message = new Uint8Array(this.memory.buffer, ARENA.message, MESSAGE_BYTES);
  readonly program = new Int32Array(this.memory.buffer, ARENA.program, 6);
  readonly internal = new Int32Array(this.memory.buffer, ARENA.internal, 9);

  constructor(
    assets: NetHackAssets,
    private readonly character: string,
  ) {
    this.folder = new GameFolder(assets);
    this.base = addressOf(this.memory);
    this.observationAddress = this.base + ARENA.observation;
    const pointers: Readonly<Record<keyof typeof POINTER, number>> = { glyphs: ARENA.glyphs, status: ARENA.status, message: ARENA.message, program: ARENA.program, internal: ARENA.internal };
    for (const [name, offset] of Object.entries(pointers) as [keyof typeof POINTER, number][]) {
      this.memory.writeBigUInt64LE(BigInt(this.base + offset), ARENA.observation + OBSERVATION.pointers + 8 * POINTER[name]);
    }
  }

  /**
   * Ends the game that runs and starts another; afterwards the first map is on the screen. The same seed and the same
   * keys give the same bytes, on any day: seeds, calendar and start time are all drawn from `seed`. `onScreen` is called
   * for each screen that is passed over on the way to the map (a long greeting is one).
   * @throws LaurelError LAUREL_ENVIRONMENT_FAILED where the game does not come up.
   */
  start(seed: EpisodeSeed, onScreen: () => void = () => undefined): void {
    this.end();
    this.folder.refresh();
    philox4x32(seed.low, seed.high, 0, 0, 0, 0, this.seedWords);
    this.writeSettings(seed);
    this.binding = new Binding(this.folder.libraryPath, this.folder.libraryContent);
    this.game = this.binding.start(this.observationAddress, this.base + ARENA.settings);
    this.binding.setGlobal('ubirthday', START_TIME_S + ((this.seedWords[2] as number) % START_SPAN_S));
    for (let pressed = 0; this.program[PROGRAM.inMoveLoop] === 0 && pressed < INTRO_KEYS_MAX; pressed++) {
      onScreen();
      if (this.key(KEY.space)) break;
    }
    if (this.program[PROGRAM.inMoveLoop] === 0 || !this.inNormalGame) {
      throw new LaurelError('LAUREL_ENVIRONMENT_FAILED', `expected NetHack to begin a game as ${this.character}; it showed ${JSON.stringify(this.memory.toString('latin1', ARENA.message, ARENA.message + 80).replace(/\0.*/s, ''))}. Check the character and the library (\`laurel doctor\`).`);
    }
  }

  /** Presses one key; true when the game has ended for good. */
  key(code: number): boolean {
    const at = ARENA.observation >> 2;
    this.words[at] = code;
    (this.binding as Binding).step(this.game, this.observationAddress);
    return this.words[at + 1] !== 0;
  }

  /** The two 64-bit seeds of the game that runs: of the game itself, and of what is only displayed. */
  get seeds(): { readonly core: bigint; readonly display: bigint } {
    const at = ARENA.settings;
    return { core: this.memory.readBigUInt64LE(at + SETTINGS.seedCore), display: this.memory.readBigUInt64LE(at + SETTINGS.seedDisplay) };
  }

  /** False before the first map and after the last: status numbers are then zero. */
  get inNormalGame(): boolean {
    return this.memory[ARENA.observation + OBSERVATION.inNormalGame] !== 0;
  }

  get done(): boolean {
    return this.words[(ARENA.observation + OBSERVATION.done) >> 2] !== 0;
  }

  close(): void {
    this.end();
    this.folder.remove();
  }

  private end(): void {
    if (this.binding === undefined) return;
    // A hero who is dead but not buried: the library frees its memory only at the end of the last screen.
    for (let pressed = 0; this.program[PROGRAM.gameOver] !== 0 && !this.done && pressed < ENDING_KEYS_MAX; pressed++) {
      this.key(this.internal[INTERNAL.waitsForSpace] !== 0 ? KEY.space : KEY.escape);
    }
    this.binding.end(this.game);
    this.binding = undefined;
    this.program.fill(0);
  }

  private writeSettings(seed: EpisodeSeed): void {
    const { memory } = this;
    const at = ARENA.settings;
    const folderBytes = Buffer.byteLength(this.folder.playPath);
    if (folderBytes > FOLDER_BYTES - 64) throw new LaurelError('LAUREL_ENVIRONMENT_FAILED', `expected a temporary folder with a path below ${FOLDER_BYTES - 64} bytes, got ${folderBytes}; set TMPDIR to a shorter one`);
    memory.fill(0, at, at + SETTINGS.bytes);
    memory.write(this.folder.playPath, at + SETTINGS.folder);
    memory.write([...GAME_OPTIONS, `name:Agent-${this.character}`].join(','), at + SETTINGS.options, SETTINGS.optionsBytes - 1, 'latin1');
    memory.writeInt32LE(1, at + SETTINGS.spawnMonsters);
    memory.writeUInt32LE(seed.low >>> 0, at + SETTINGS.seedCore);
    memory.writeUInt32LE(seed.high >>> 0, at + SETTINGS.seedCore + 4);
    memory.writeUInt32LE(this.seedWords[0] as number, at + SETTINGS.seedDisplay);
    memory.writeUInt32LE(this.seedWords[1] as number, at + SETTINGS.seedDisplay + 4);
    memory[at + SETTINGS.reseed] = 0;
    memory[at + SETTINGS.seedsGiven] = 1;
    memory[at + SETTINGS.calendarFixed] = 1;
    memory.writeUInt32LE(CALENDAR_SEED, at + SETTINGS.calendarSeed);
    memory[at + SETTINGS.calendarSeedGiven] = 1;
  }
}
