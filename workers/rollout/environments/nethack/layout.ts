/**
 * Memory layout of the library's C structures on 64-bit Linux, and of the one block of memory ("arena") in which a game
 * has all of them. One block, because small buffers may be moved or shared by the runtime; its address is taken once.
 */

/** Map of a level: rows and columns that the library reports. */
export const MAP_ROWS = 21;
export const MAP_COLUMNS = 79;
export const MAP_SQUARES = MAP_ROWS * MAP_COLUMNS;
/** Glyph ids are below this. */
export const GLYPH_COUNT = 5976;
/** Glyph of a square of which nothing is known (dark solid stone). */
export const GLYPH_BLANK = 2359;
/** Glyph of the Oracle: monster number 270. */
export const GLYPH_ORACLE = 270;
export const MESSAGE_BYTES = 256;

/** Indices into blstats, 64-bit integers of the status line. */
export const STATUS = {
  column: 0,
  row: 1,
  strength: 2,
  strengthPercent: 3,
  dexterity: 4,
  constitution: 5,
  intelligence: 6,
  wisdom: 7,
  charisma: 8,
  score: 9,
  hitPoints: 10,
  hitPointsMax: 11,
  depth: 12,
  gold: 13,
  energy: 14,
  energyMax: 15,
  armorClass: 16,
  experienceLevel: 18,
  experiencePoints: 19,
  turn: 20,
  hunger: 21,
  encumbrance: 22,
  dungeon: 23,
  levelNumber: 24,
  conditions: 25,
  alignment: 26,
} as const;
export const STATUS_COUNT = 27;

/** Indices into program_state. */
export const PROGRAM = { gameOver: 0, panicking: 1, inMoveLoop: 3 } as const;
/** Indices into internal. */
export const INTERNAL = { deepestLevel: 0, yesNoPrompt: 1, linePrompt: 2, waitsForSpace: 3, onStairsDown: 4 } as const;

/** `nle_obs`: int action, int done, char in_normal_game, int how_done, then 17 pointers. */
export const OBSERVATION = { action: 0, done: 4, inNormalGame: 8, howDone: 12, pointers: 16, bytes: 16 + 17 * 8 } as const;
/** Positions of the pointers that a game fills; the others stay null and cost nothing. */
export const POINTER = { glyphs: 0, status: 4, message: 5, program: 6, internal: 7 } as const;

/**
 * `nle_settings` as the library 1.3.0 reads it. The three last members fix what the game takes from the calendar:
 * the phase of the moon (luck), Friday 13th and night.
 */
export const SETTINGS = {
  folder: 0,
  options: 8_192,
  optionsBytes: 32_768,
  spawnMonsters: 45_056,
  seedCore: 49_160,
  seedDisplay: 49_168,
  reseed: 49_176,
  seedsGiven: 49_177,
  calendarFixed: 49_200,
  calendarSeed: 49_208,
  calendarSeedGiven: 49_216,
  bytes: 49_224,
} as const;
export const FOLDER_BYTES = 4_096;

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;
const place = (() => {
  let next = 0;
  return (bytes: number): number => {
    const at = next;
    next += align(bytes);
    return at;
  };
})();

/** Byte offsets inside the arena. */
export const ARENA = {
  observation: place(OBSERVATION.bytes),
  program: place(6 * 4),
  internal: place(9 * 4),
  status: place(STATUS_COUNT * 8),
  message: place(MESSAGE_BYTES),
  glyphs: place(MAP_SQUARES * 2),
  settings: place(SETTINGS.bytes),
  bytes: place(0),
} as const;
