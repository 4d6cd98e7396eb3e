/** All text tasks. A new one is a file beside this one, its options in proto/environments.ts, and a line here. */
import type { TextTaskSpec } from '../../../proto/environments.js';
import { adventure } from './adventure.js';
import { boardGame } from './board-game.js';
import { boxes } from './boxes.js';
import { checkableItems } from './checkable-items.js';
import { detection } from './detection.js';
import { ideas } from './ideas.js';
import { jsonRecipe } from './json-recipe.js';
import { judging } from './judging.js';
import { multipleChoice } from './multiple-choice.js';
import type { TextTask } from './task.js';
import { toolCall } from './tool-call.js';
import { tracks } from './tracks.js';

const tasks: { readonly [Name in TextTaskSpec['name']]: (spec: Extract<TextTaskSpec, { name: Name }>) => TextTask } = {
  'json-recipe': jsonRecipe,
  'tool-call': toolCall,
  'multiple-choice': multipleChoice,
  detection,
  tracks,
  boxes,
  judging,
  adventure,
  ideas,
  'checkable-items': checkableItems,
  'board-game': boardGame,
};

export function textTask(spec: TextTaskSpec): TextTask {
  return (tasks[spec.name] as (spec: TextTaskSpec) => TextTask)(spec);
}
