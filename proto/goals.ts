/** Goals by name, for NetHack: what stands in the prompt, and examples whose labels fit the goal. Free text is a goal too. */

export interface GoalPreset {
  /** Stands in the prompt. */
  readonly text: string;
  /** In one line, for people. */
  readonly meaning: string;
  /** Few-shot examples of the mode pointwise; absent: those of the prompt template, which were chosen for this goal. */
  readonly examples?: readonly { readonly text: string; readonly helpful: boolean }[];
}

const KILLS = ['You kill the rat!', 'You destroy the skeleton! The bat bites!', 'You kill it!', 'You kill the orc! Welcome to experience level 3.', 'You kill the snake! The pony picks up a candle.', 'You destroy the ghoul!', 'The spell hits the ghost! You destroy the ghost!', 'You kill the bat! You hear a noise.', 'You miss the imp. You kill the imp!', 'You kill the poor centaur!', 'You hit it. You kill it!', 'The arrow kills the ogre!'] as const;
const GOLD = ['$ - 33 gold pieces.', '$ - 6 gold pieces. The snake bites!', '$ - 140 gold pieces.', 'You swap places with your pony. $ - a gold piece.', 'The pony eats an apple. $ - 12 gold pieces.', '$ - 2 gold pieces. The pony drops a rock.', 'You hear a noise. $ - 58 gold pieces.', '$ - 7 gold pieces (40 in total).', 'The bat misses! $ - 21 gold pieces.', '$ - 305 gold pieces.', 'You have a little trouble lifting $ - 90 gold pieces.', '$ - 4 gold pieces. You see here a candle.'] as const;
const DOWN = ['You go down to dungeon level 2.', 'A hole opens under you! You fall through.', 'There is a ladder down here.', 'You fall through a trap door!', 'You climb down the ladder.', 'There is a staircase down here. The bat bites!', 'You dig a hole through the floor. You fall through.', 'You go down the stairs.', 'There is a hole here.', 'You go down to dungeon level 6. You hear a noise.', 'There is a trap door here.', 'There is a ladder down here. You see here a candle.'] as const;
/** For none of the goals. */
const NOTHING = ["You can't move there.", 'The snake bites!', 'The pony picks up 5 gold pieces.', 'You hear coins falling.', 'Your pony kicks the rat. The rat is killed!', 'You miss the bat.', 'There is a ladder up here.', 'What do you want to wear? [abc or ?*]', 'The bat is killed! You hear a noise.', 'You see here a candle.', 'You swap places with your pony.', 'The door swings open.', 'You go up to dungeon level 1.', 'Welcome to experience level 5.', 'The pony drops a rock. You wake up.', 'You feel stronger!', 'The ghost blocks your way.', 'You are no longer hungry.'] as const;

/** The goal's own messages, spread evenly among others, of the other goals and of none, and one of them last: the end of a prompt counts most. */
function contrast(own: readonly string[], [one, other]: readonly [readonly string[], readonly string[]]): { readonly text: string; readonly helpful: boolean }[] {
  const unlike = [...one.slice(0, 3).flatMap((text, index) => [text, NOTHING[index] as string, other[index] as string]), ...NOTHING.slice(3)];
  return own.flatMap((text, index) => {
    const [from, to] = [index, index + 1].map((part) => Math.round((part * unlike.length) / own.length));
    return [...unlike.slice(from, to).map((not) => ({ text: not, helpful: false })), { text, helpful: true }];
  });
}

export const GOAL_PRESETS = {
  score: { text: 'kill monsters, gain levels, find gold and descend deeper into the dungeon', meaning: "all that the game's score rewards" },
  combat: { text: 'fight and kill monsters', meaning: 'monsters killed by the agent, and nothing else', examples: contrast(KILLS, [GOLD, DOWN]) },
  gold: { text: 'collect gold', meaning: 'gold that the agent takes, and nothing else', examples: contrast(GOLD, [KILLS, DOWN]) },
  descent: { text: 'go down to deeper levels of the dungeon', meaning: 'stairs, holes and ladders that lead down, and going down', examples: contrast(DOWN, [KILLS, GOLD]) },
} as const satisfies Record<string, GoalPreset>;

export type GoalName = keyof typeof GOAL_PRESETS;
export const GOAL_NAMES = Object.keys(GOAL_PRESETS) as [GoalName, ...GoalName[]];
