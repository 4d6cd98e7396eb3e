/** Options of every environment kind, as the job file has them. Imports nothing but zod: workflows validate jobs with it. */
import { z } from 'zod';

const gridWorld = z
  .strictObject({
    kind: z.literal('grid-world'),
    size: z.int().min(4).max(32).default(5).describe('Side of a room, walls not counted.'),
    rooms: z.int().min(1).max(6).default(3).describe('Rooms in a row; a locked door between each two.'),
    episodeStepsMax: z.int().min(1).max(100_000).default(200).describe('Steps after which an episode is truncated.'),
    distractors: z.int().min(0).max(16).default(2).describe('Objects that are of no use.'),
    rewardDecay: z.boolean().default(false).describe('The reward at the goal falls with time: 1 - 0.9 * t / episodeStepsMax.'),
  })
  .describe('Rooms, keys, locked doors and a goal; partial view, sparse reward, a message after each action. Runs everywhere.');

const nethack = z
  .strictObject({
    kind: z.literal('nethack'),
    task: z.enum(['score', 'staircase', 'oracle']).default('score').describe('score: score gained; staircase: reach a level; oracle: stand beside the Oracle.'),
    episodeStepsMax: z.int().min(1).max(1_000_000).default(5000).describe('Agent steps after which an episode is truncated.'),
    character: z.string().regex(/^[a-z]{3}-[a-z]{3}-[a-z]{3}-[a-z]{3}$/).default('mon-hum-neu-mal').describe('Role, race, alignment, gender.'),
    level: z.int().min(2).max(50).default(3).describe('Level to reach (task staircase).'),
    observations: z
      .array(z.enum(['glyphs_crop', 'message', 'statistics', 'glyphs']))
      .min(1)
      .default(['glyphs_crop', 'message', 'statistics'])
      .describe('What the policy sees.'),
  })
  .describe('NetHack 3.6.6 in this process.');

const gymnasium = z
  .strictObject({
    kind: z.literal('gymnasium'),
    id: z.string().min(1).max(200).describe('Id of the environment, for example CartPole-v1.'),
    kwargs: z.record(z.string(), z.json()).default({}).describe('Arguments of gymnasium.make.'),
    episodeStepsMax: z.int().min(1).max(1_000_000).optional().describe('Steps after which an episode is truncated; default: that of the environment.'),
    python: z.string().min(1).optional().describe('Python interpreter with gymnasium; default: a virtual environment of its own.'),
  })
  .describe('Any Gymnasium environment, in a Python process beside the worker.');

const pointMass = z
  .strictObject({
    kind: z.literal('point-mass'),
    task: z.enum(['reach', 'push']).default('reach').describe('reach: be near a place on the other side of a zone; push: push a puck to a place.'),
    episodeStepsMax: z.int().min(1).max(100_000).default(100).describe('Steps after which an episode is truncated.'),
    zone: z
      .strictObject({
        x: z.number().min(-1).max(1).default(0).describe('Of its middle.'),
        y: z.number().min(-1).max(1).default(0).describe('Of its middle.'),
        radius: z.number().min(0).max(1).default(0.35).describe('0: there is no zone.'),
      })
      .prefault({})
      .describe('A disc of the table, which reaches from -1 to 1; its component of the reward is 1 inside (task reach).'),
  })
  .describe('A mass on a table, pushed by a force of two components. Rewards of reach: near, zone; of push: near, puckNear, distance, puckDistance, goal.');

const pendulum = z
  .strictObject({ kind: z.literal('pendulum'), episodeStepsMax: z.int().min(1).max(100_000).default(200).describe('Steps after which an episode is truncated.') })
  .describe('The swing-up of a pendulum with a weak motor. Rewards: balance (minus the usual cost), upright.');

const portfolio = z
  .strictObject({
    kind: z.literal('portfolio'),
    episodeStepsMax: z.int().min(2).max(100_000).default(32).describe('Steps after which an episode is truncated.'),
    costPerTurnover: z.number().min(0).max(1).default(0).describe('What moving the whole portfolio costs, as a share of it.'),
  })
  .describe('Weights over four assets whose returns are drawn anew for each episode. Rewards: return, cost.');

const landmarks = z
  .strictObject({
    kind: z.literal('landmarks'),
    size: z.int().min(3).max(12).default(5).describe('Columns of the room.'),
    rows: z.int().min(1).max(12).nullable().default(null).describe('Rows of the room; null: as many as columns; 1: a corridor, with A and B at its ends.'),
    landmarks: z.int().min(2).max(4).default(2).describe('Corners to visit in order: A, B, C, D.'),
    episodeStepsMax: z.int().min(1).max(100_000).default(60).describe('Steps after which an episode is truncated.'),
  })
  .refine(({ rows, landmarks: wanted }) => rows !== 1 || wanted === 2, { message: 'expected 2 landmarks in a corridor, which has 2 ends', path: ['landmarks'] })
  .describe('A room whose corners are to be visited in order; only the own place is seen. Rewards: inOrder, atA, atB, ...');

const textAdventure = z
  .strictObject({
    kind: z.literal('text-adventure'),
    rooms: z.int().min(3).max(6).default(4).describe('Rooms in a ring; key, chest and altar are in three of them.'),
    episodeStepsMax: z.int().min(4).max(10_000).default(16).describe('Turns of every episode; where it is won before, nothing happens in the rest of them.'),
  })
  .describe('Four deeds in their order, one command a turn, each answered in words: take a key, open a chest, take the gem, put it on the altar. Rewards: won (sparse), dense (turn rewards).');

const flaws = z.number().min(0).max(1).default(0.3).describe('Share of demonstrations that have a flaw.');

const textTaskSchemas = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('json-recipe'), flaws }).describe('Write what the prompt says as JSON with three keys. Graders: struct, format, valid, correct, length.'),
  z
    .strictObject({ name: z.literal('tool-call'), flaws, calls: z.int().min(1).max(3).default(2).describe('Calls that a prompt asks for at most.') })
    .describe('Write calls of tools with their arguments. Graders: format, correct, exact.'),
  z.strictObject({ name: z.literal('multiple-choice'), flaws }).describe('Choose one of four answers to a sum, after an analysis. Graders: acc, format, language.'),
  z.strictObject({ name: z.literal('tracks'), flaws }).describe('Write an interval and a box, thought and then said. Graders: format, consistent, tiou, think, predict, gain.'),
  z
    .strictObject({ name: z.literal('detection'), flaws, faultShare: z.number().min(0.01).max(0.99).default(0.2).describe('Share of prompts that have a fault.') })
    .describe('Tell a use after a release, and its place. Graders: correct, location, scaled, fault, hit, alarm.'),
  z.strictObject({ name: z.literal('judging'), flaws }).describe('Say which of two answers to a sum is right, after a thought. Graders: format, acc, consistent, judged.'),
  z.strictObject({ name: z.literal('board-game'), flaws }).describe('Tell what a position of tic-tac-toe is worth, and move. An exact solver grades: format, legal, quality, analysis, optimal.'),
  z.strictObject({ name: z.literal('adventure'), flaws }).describe('Fetch three things in turns. Graders: won (sparse), dense (turn rewards), turns.'),
  z.strictObject({ name: z.literal('ideas') }).describe('Write six letters, more or less novel as the prompt asks. Graders: novelty, feasibility, effectiveness, asked (their sum by the weights of the prompt).'),
  z
    .strictObject({ name: z.literal('checkable-items'), flaws, checkableShare: z.number().min(0).max(1).default(0.5).describe('Share of prompts with an answer that can be checked.') })
    .describe('Answer sums, which can be checked, and write letters on a subject, which cannot. Graders: surrogate, open, checkable, right.'),
  z.strictObject({ name: z.literal('boxes'), flaws }).describe('Write one or two boxes. Graders: format, recall-1, precision-1, recall-2, precision-2, iou.'),
]);
export type TextTaskSpec = z.output<typeof textTaskSchemas>;

const text = z
  .strictObject({
    kind: z.literal('text'),
    task: textTaskSchemas.describe('What prompts ask for, and what is true of them.'),
    completionTokensMax: z.int().min(1).max(2048).default(64).describe('A completion that has no end after so many tokens is truncated.'),
  })
  .describe('One episode is a prompt and a completion. Prompts are drawn by seed; one in eight is kept for evaluation and never trained on.');

export const environmentSchemas = z.discriminatedUnion('kind', [gridWorld, nethack, gymnasium, pointMass, pendulum, portfolio, landmarks, textAdventure, text]);
export type EnvironmentSpec = z.output<typeof environmentSchemas>;
export type GridWorldSpec = Extract<EnvironmentSpec, { kind: 'grid-world' }>;
export type NetHackSpec = Extract<EnvironmentSpec, { kind: 'nethack' }>;
export type GymnasiumSpec = Extract<EnvironmentSpec, { kind: 'gymnasium' }>;
export type PointMassSpec = Extract<EnvironmentSpec, { kind: 'point-mass' }>;
export type PendulumSpec = Extract<EnvironmentSpec, { kind: 'pendulum' }>;
export type PortfolioSpec = Extract<EnvironmentSpec, { kind: 'portfolio' }>;
export type LandmarksSpec = Extract<EnvironmentSpec, { kind: 'landmarks' }>;
export type TextAdventureSpec = Extract<EnvironmentSpec, { kind: 'text-adventure' }>;
export type TextSpec = Extract<EnvironmentSpec, { kind: 'text' }>;
/** Environments that are stepped by actions. */
export type StepEnvironmentSpec = Exclude<EnvironmentSpec, TextSpec>;

/** Environments whose episodes all have `episodeStepsMax` steps: nothing ends them before. */
export const FIXED_LENGTH: ReadonlySet<EnvironmentSpec['kind']> = new Set(['pendulum', 'portfolio', 'text-adventure']);
