/** Goals by name, for NetHack: what stands in the prompt, and examples whose labels fit the goal. Free text is a goal too. */

export interface GoalPreset {
  /** Stands in the prompt. */
  readonly text: string;
  /** In one line, for people. */
  readonly meaning: string;
  /** Few-shot examples of the mode pointwise; absent: those of the prompt template, which were chosen for this goal. */
  readonly examples?: readonly { readonly text: string; readonly helpful: boolean }[];
}

const KILLS = ['You kill the rat!', 'You destroy the skeleton! The bat bites!', 'You kill the orc! Welcome to experience level 3.', 'You kill the snake! The pony picks up a candle.', 'You destroy the ghoul!', 'You kill the bat! You hear a noise.'] as const;
const GOLD = ['$ - 33 gold pieces.', '$ - 6 gold pieces. The snake bites!', 'You swap places with your pony. $ - a gold piece.', 'The pony eats an apple. $ - 12 gold pieces.', '$ - 2 gold pieces. The pony drops a rock.', '$ - 140 gold pieces.'] as const;
const DOWN = ['You go down to dungeon level 2.', 'A hole opens under you! You fall through.', 'There is a ladder down here.', 'You fall through a trap door!', 'You climb down the ladder.', 'There is a staircase down here. The bat bites!'] as const;
/** For none of the goals. */
const NOTHING = ["You can't move there.", 'The snake bites!', 'The pony picks up 5 gold pieces.', 'You hear coins falling.', 'Your pony kicks the rat. The rat is killed!', 'You miss the bat.', 'The door is stuck.', 'There is a ladder up here.', 'You read: "Beware of the d?g".', 'What do you want to wear? [abc or ?*]', 'The bat is killed! You hear a noise.', 'You see here a candle.'] as const;

/** The goal's own messages, each followed by another one: of the other goals, then of none. */
function contrast(own: readonly string[], others: readonly (readonly string[])[]): { readonly text: string; readonly helpful: boolean }[] {
  const unlike = [...others.flatMap((texts) => texts.slice(0, 2)), ...NOTHING];
  return unlike.flatMap((text, index) => [...own.slice(index, index + 1).map((one) => ({ text: one, helpful: true })), { text, helpful: false }]);
}

export const GOAL_PRESETS = {
  score: { text: 'kill monsters, gain levels, find gold and descend deeper into the dungeon', meaning: "all that the game's score rewards" },
  combat: { text: 'fight and kill monsters', meaning: 'monsters killed by the agent, and nothing else', examples: contrast(KILLS, [GOLD, DOWN]) },
  gold: { text: 'collect gold', meaning: 'gold that the agent takes, and nothing else', examples: contrast(GOLD, [KILLS, DOWN]) },
  descent: { text: 'go down to deeper levels of the dungeon', meaning: 'stairs, holes and ladders that lead down, and going down', examples: contrast(DOWN, [KILLS, GOLD]) },
} as const satisfies Record<string, GoalPreset>;

export type GoalName = keyof typeof GOAL_PRESETS;
export const GOAL_NAMES = Object.keys(GOAL_PRESETS) as [GoalName, ...GoalName[]];
