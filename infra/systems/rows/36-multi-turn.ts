/** Rewards of single turns or of the whole episode, and three ways to make advantages of them. */
import { CounterRandom } from '../../../proto/philox.js';
import { COMMANDS, TextAdventure } from '../../../workers/rollout/environments/text-adventure/text-adventure.js';
import { firstVersionAbove } from '../learning-curve.js';
import { atLeast, atMost, exactly, measured, measuredUntrained, reported, type Figure, type StoredRun, type SystemRow } from '../system-row.js';

const REWARDS = { dense: 'dense', sparse: 'won' } as const;
const LEARNERS = { ppo: 'gae', grpo: 'grpo', rloo: 'rloo' } as const;
type Reward = keyof typeof REWARDS;
type Learner = keyof typeof LEARNERS;
const CELLS = (Object.keys(REWARDS) as Reward[]).flatMap((reward) => (Object.keys(LEARNERS) as Learner[]).map((learner) => ({ reward, learner, name: `${reward}-${learner}` })));
/** The cell that the job file is. */
const BASE = 'dense-ppo';
/** All that a run of the grid may change. */
const FIELDS = ['learn.correction', 'sources.turns.component'];
const SUCCESS_WANTED = 0.8;
const RANDOM_GAMES = 2_000;

interface Shape {
  readonly environment: { readonly episodeStepsMax: number };
  readonly learn: { readonly batchSegments: number };
  readonly rollout: { readonly environmentsPerShard: number; readonly segmentSteps: number };
}

/** Episodes until the share of games won, over ten versions, is what is wanted; one version more than all where it never is. */
function episodesToSuccess(run: StoredRun | undefined): number {
  const { environment, learn, rollout } = run?.job as unknown as Shape;
  const turns = environment.episodeStepsMax;
  const perVersion = (learn.batchSegments * rollout.environmentsPerShard * rollout.segmentSteps) / turns;
  // Each game is worth at most 1, in one of its turns.
  return perVersion * firstVersionAbove(run, 'reward.won', SUCCESS_WANTED / turns);
}

/** Paths of the values in which two jobs differ. */
function differences(a: unknown, b: unknown, path: readonly string[] = []): string[] {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b ? [] : [path.join('.')];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => differences((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key], [...path, key]));
}

/** Largest total of turn rewards of a game in which every command is drawn. */
function largestTotal(): number {
  const random = new CounterRandom(36, 'verification');
  let largest = 0;
  for (let episode = 0; episode < RANDOM_GAMES; episode++) {
    const game = new TextAdventure({ kind: 'text-adventure', rooms: 3, episodeStepsMax: 64 });
    game.reset({ high: episode, low: 36 });
    let total = 0;
    for (let turn = 0; turn < 64; turn++) total += game.step([Math.floor(random.uniform(episode, turn) * COMMANDS.length)]).rewards[1] as number;
    largest = Math.max(largest, total);
  }
  return largest;
}

export const multiTurn: SystemRow = {
  row: 36,
  name: 'multi-turn',
  system: 'Multi-turn agentic RL guide: sparse or dense turn rewards with PPO, GRPO or RLOO',
  paper: '2510.01132',
  checked:
    'A text adventure of four deeds in their order (take the key, open the chest, take the gem, put it on the altar) in 16 turns; what is seen is told in words, and rooms differ from episode to episode. One job, and the same with `sources.turns.component` (dense: a quarter for each deed; won: 1 in the turn that wins) and `learn.correction` (gae: PPO with a value function; grpo, rloo: whole episodes compared in groups of 8 that begin alike) changed, for all six pairs of them. Episodes until 80 % of the games are won on average over ten versions of 128 episodes, and games won by the final policies on the same 128 evaluation seeds.',
  reading:
    'r / max(1, rewarded turns) where the game is won and r / all that could be had where it is lost are the same here, as every win has four rewarded turns. An episode lasts 16 turns also where it is won before, so that all end together. GRPO and RLOO give every turn of an episode the advantage of the whole. A run in which 80 % are never won counts as one version longer than it was. One seed; with twice the learning rate PPO with turn rewards needed 3,712 episodes.',
  absent: 'A language model as policy: a small network reads the text and chooses one of six commands. TextWorld and the other worlds of the paper, and its ratio of imitation to reinforcement learning. That single turns are told apart by RLOO or GRPO.',
  short: false,
  variants: Object.fromEntries(
    CELLS.filter(({ name }) => name !== BASE).map(({ name, reward, learner }) => [name, { sources: { turns: { component: REWARDS[reward] } }, learn: { correction: LEARNERS[learner] } }]),
  ),
  check({ base, ...others }) {
    const runs: Record<string, StoredRun | undefined> = { [BASE]: base, ...others };
    const changed = Object.values(others).flatMap((run) => differences({ ...base?.job, name: '' }, { ...run.job, name: '' }));
    const episodes = Object.fromEntries(CELLS.map(({ name }) => [name, episodesToSuccess(runs[name])]));
    const saved = (learner: Learner): number => (episodes[`sparse-${learner}`] as number) - (episodes[`dense-${learner}`] as number);
    return [
      exactly('runs of the grid', Object.keys(runs).length, CELLS.length),
      exactly('fields besides the two in which they differ', new Set(changed.filter((path) => !FIELDS.includes(path))).size, 0),
      atMost(`largest total of turn rewards in ${RANDOM_GAMES.toLocaleString('en')} random games`, largestTotal(), 1),
      reported('games won, untrained', measuredUntrained(base, 'policy', 'success')),
      ...CELLS.flatMap(({ name, reward, learner }): Figure[] => [
        reported(`games won, ${reward}, ${learner.toUpperCase()}`, measured(runs[name], 'policy', 'success')),
        reported(`episodes until 80 % are won, ${reward}, ${learner.toUpperCase()}`, episodes[name] as number),
      ]),
      atLeast('games won by PPO with turn rewards', measured(base, 'policy', 'success'), SUCCESS_WANTED),
      atLeast('episodes that turn rewards save PPO', saved('ppo'), 1),
      reported('episodes that they save GRPO', saved('grpo')),
      reported('episodes that they save RLOO', saved('rloo')),
    ];
  },
};
