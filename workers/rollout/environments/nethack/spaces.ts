/** The spaces of a NetHack environment, known without the game's library. */
import type { NetHackSpec } from '../../../../proto/environments.js';
import type { ObservationSpace, Spaces } from '../environment.js';
import { ACTION_COUNT, ACTION_NAMES } from './actions.js';
import { MAP_COLUMNS, MAP_ROWS, MESSAGE_BYTES } from './layout.js';
import { CROP_SIDE, GLYPH_VOCABULARY } from './map.js';
import type { NetHackObservation } from './options.js';
import { STATISTIC_COUNT, STATISTIC_SCALES } from './statistics.js';
import { TASKS } from './tasks.js';

/** Bytes of the message that the policy reads; the whole message (up to 256 bytes) is the transition's text. */
export const MESSAGE_VIEW_BYTES = 96;

const OBSERVATIONS: Readonly<Record<NetHackObservation, ObservationSpace>> = {
  glyphs_crop: { type: 'int16', shape: [CROP_SIDE, CROP_SIDE], kind: 'glyphs', vocabulary: GLYPH_VOCABULARY },
  message: { type: 'uint8', shape: [MESSAGE_VIEW_BYTES], kind: 'text' },
  statistics: { type: 'float32', shape: [STATISTIC_COUNT], kind: 'statistics', scale: STATISTIC_SCALES },
  glyphs: { type: 'int16', shape: [MAP_ROWS, MAP_COLUMNS], kind: 'glyphs', vocabulary: GLYPH_VOCABULARY },
};

/** Numbers reported for each ended episode; deepest level, then the state at its end, then whether the task was done (0 or 1). */
export const EPISODE_STATISTICS = ['dungeonLevel', 'experienceLevel', 'experiencePoints', 'gold', 'score', 'exploredSquares', 'turns', 'success'] as const;

/** Spaces for options that `parseNetHackOptions` has checked; observations in the order of the options, each once. */
export function nethackSpaces(options: NetHackSpec): Spaces {
  return {
    observations: Object.fromEntries(options.observations.map((name) => [name, OBSERVATIONS[name]])),
    action: { kind: 'discrete', count: ACTION_COUNT, names: ACTION_NAMES },
    rewards: [TASKS[options.task].reward],
    textBytesMax: MESSAGE_BYTES,
    episodeStatistics: EPISODE_STATISTICS,
  };
}
