/** All text tasks. A new one is a file beside this one, its options in proto/environments.ts, and a line here. */
import type { TextTaskSpec } from '../../../proto/environments.js';
import { boxes } from './boxes.js';
import { detection } from './detection.js';
import { jsonRecipe } from './json-recipe.js';
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
};

export function textTask(spec: TextTaskSpec): TextTask {
  return (tasks[spec.name] as (spec: TextTaskSpec) => TextTask)(spec);
}
