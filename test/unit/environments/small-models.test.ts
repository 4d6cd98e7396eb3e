/** The small environments against numbers computed by hand from what they say they do. */
import { describe, expect, it } from 'vitest';
import { CounterRandom } from '../../../proto/philox.js';
import { environmentSchemas, type LandmarksSpec, type PointMassSpec, type PortfolioSpec, type TextAdventureSpec } from '../../../proto/environments.js';
import { Landmarks } from '../../../workers/rollout/environments/landmarks/landmarks.js';
import { Pendulum } from '../../../workers/rollout/environments/pendulum/pendulum.js';
import { PointMass } from '../../../workers/rollout/environments/point-mass/point-mass.js';
import { Portfolio } from '../../../workers/rollout/environments/portfolio/portfolio.js';
import { COMMANDS, TextAdventure, type Command } from '../../../workers/rollout/environments/text-adventure/text-adventure.js';

const parsed = <T>(options: object): T => environmentSchemas.parse(options) as T;
const SEED = { high: 3, low: 5 };

it('point mass: a full force gains 0.015 a step and keeps 0.85 of the speed, and a wall takes it', () => {
  const mass = new PointMass(parsed<PointMassSpec>({ kind: 'point-mass' }));
  mass.reset(SEED);
  const x = (): number => (mass.observe()['state'] as number[])[0] as number;
  const begun = x();
  mass.step([5, 0]);
  expect(x()).toBeCloseTo(begun + 0.015, 12);
  mass.step([1, 0]);
  expect(x()).toBeCloseTo(begun + 0.015 + (0.85 * 0.015 + 0.015), 12);
  for (let step = 0; step < 90; step++) mass.step([1, 0]);
  expect(x()).toBe(1);
  mass.step([-1, 0]);
  expect(x()).toBeCloseTo(1 - 0.015, 12);
});

it('point mass: near is 1 / (1 + (d / 0.35)^2), zone is 1 inside the disc, and the statistics are their sum and share', () => {
  const mass = new PointMass(parsed<PointMassSpec>({ kind: 'point-mass', zone: { x: 0, y: 0, radius: 0.3 } }));
  mass.reset(SEED);
  let [nearSum, inside, steps] = [0, 0, 0];
  for (; steps < 60; steps++) {
    const { rewards, terminated } = mass.step([1, 0]);
    const [x, y, , , toGoalX, toGoalY] = mass.observe()['state'] as number[];
    const distance = Math.sqrt(toGoalX! ** 2 + toGoalY! ** 2);
    expect(rewards[0]).toBeCloseTo(0.35 ** 2 / (0.35 ** 2 + distance ** 2), 12);
    expect(rewards[1]).toBe(x! ** 2 + y! ** 2 < 0.09 ? 1 : 0);
    expect(terminated).toBe(false);
    nearSum += rewards[0]!;
    inside += rewards[1]!;
  }
  // The straight way crosses the disc.
  expect(inside).toBeGreaterThan(0);
  expect(mass.statistics()[0]).toBeCloseTo(nearSum, 9);
  expect(mass.statistics()[1]).toBeCloseTo(inside / steps, 12);
});

it('point mass: a puck that is pushed moves away from the mass, and one that rests stays', () => {
  const mass = new PointMass(parsed<PointMassSpec>({ kind: 'point-mass', task: 'push' }));
  mass.reset(SEED);
  const state = (): number[] => mass.observe()['state'] as number[];
  const puck = (): [number, number] => [state()[0]! + state()[6]!, state()[1]! + state()[7]!];
  const rest = puck();
  mass.step([-1, 0]);
  expect(puck()[0]).toBeCloseTo(rest[0], 12);
  // Towards the puck until it moves.
  for (let step = 0; step < 120; step++) mass.step([state()[6]! * 4, state()[7]! * 4]);
  const moved = puck();
  expect(Math.hypot(moved[0] - rest[0], moved[1] - rest[1])).toBeGreaterThan(0.1);
});

it('pendulum: one step of the published equations', () => {
  const pendulum = new Pendulum();
  pendulum.reset(SEED);
  const [cosine, sine, speed] = pendulum.observe()['state'] as [number, number, number];
  const angle = Math.atan2(sine, cosine);
  const { rewards } = pendulum.step([9]);
  expect(rewards[0]).toBeCloseTo(-(angle ** 2 + 0.1 * speed ** 2 + 0.001 * 2 ** 2), 9);
  const after = Math.min(8, Math.max(-8, speed + (1.5 * 10 * Math.sin(angle) + 3 * 2) * 0.05));
  const seen = pendulum.observe()['state'] as number[];
  expect(seen[2]).toBeCloseTo(after, 9);
  expect(seen[0]).toBeCloseTo(Math.cos(angle + after * 0.05), 9);
});

it('portfolio: weights are the softmax of the action, the return is theirs with those of the assets, less the cost', () => {
  const portfolio = new Portfolio(parsed<PortfolioSpec>({ kind: 'portfolio', costPerTurnover: 0.01 }));
  portfolio.reset(SEED);
  const returns: number[] = [];
  const actions = [[0, 0, 0, 0], [Math.log(2), 0, 0, 0], [3, -3, -3, -3], [-800, 800, 0, 0]];
  for (const action of actions) {
    const before = (portfolio.observe()['state'] as number[]).slice(16);
    const { rewards } = portfolio.step(action);
    const state = portfolio.observe()['state'] as number[];
    const weights = state.slice(16);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
    const turnover = weights.reduce((sum, weight, asset) => sum + Math.abs(weight - before[asset]!), 0) / 2;
    const gross = weights.reduce((sum, weight, asset) => sum + weight * state[12 + asset]! * 0.05, 0);
    expect(rewards[1]).toBeCloseTo(0.01 * turnover, 12);
    expect(rewards[0]).toBeCloseTo(gross - 0.01 * turnover, 12);
    returns.push(rewards[0]!);
  }
  expect((portfolio.observe()['state'] as number[]).slice(16)).toEqual([0, 1, 0, 0]);
  const mean = returns.reduce((sum, value) => sum + value, 0) / 4;
  const deviation = Math.sqrt(returns.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4);
  expect(portfolio.statistics()[0]).toBeCloseTo(mean / deviation, 6);
});

it('portfolio: the returns of the assets do not depend on what is held', () => {
  const series = (action: number[]): number[] => {
    const portfolio = new Portfolio(parsed<PortfolioSpec>({ kind: 'portfolio' }));
    portfolio.reset(SEED);
    return Array.from({ length: 10 }, () => {
      portfolio.step(action);
      return (portfolio.observe()['state'] as number[]).slice(12, 16);
    }).flat();
  };
  expect(series([1, 2, 3, 0])).toEqual(series([-3, 0, 0, 0]));
});

it('landmarks: B counts after A only, and the last one ends the episode', () => {
  const room = new Landmarks(parsed<LandmarksSpec>({ kind: 'landmarks', size: 3 }));
  room.reset(SEED);
  const place = (): number => (room.observe()['place'] as number[])[0] as number;
  const [EAST, SOUTH, NORTH, WEST] = [1, 2, 0, 3];
  const walk = (...steps: number[]): (readonly [readonly number[], boolean, string])[] =>
    steps.map((action) => {
      const { rewards, terminated, text } = room.step([action]);
      return [rewards, terminated, Buffer.from(text ?? []).toString('latin1')] as const;
    });
  // To the corner B first, wherever it began: nothing is reached in order.
  const first = walk(EAST, EAST, SOUTH, SOUTH);
  expect(place()).toBe(8);
  expect(first.at(-1)).toEqual([[0, 0, 1], false, 'you stand on B']);
  expect(room.statistics()).toEqual([0, 0, 60]);
  expect(walk(NORTH, NORTH, WEST, WEST).at(-1)).toEqual([[0, 1, 0], false, 'you stand on A']);
  expect(room.statistics()[1]).toBe(1);
  expect(walk(EAST, EAST, SOUTH, SOUTH).at(-1)).toEqual([[1, 0, 1], true, 'you stand on B']);
  expect(room.statistics()).toEqual([1, 2, 12]);
});

describe('the text adventure', () => {
  const begun = (options: object = {}): { play: (command: Command) => { rewards: readonly number[]; terminated: boolean; text: string }; seen: () => string; find: (thing: string) => number; game: TextAdventure } => {
    const game = new TextAdventure(parsed<TextAdventureSpec>({ kind: 'text-adventure', ...options }));
    game.reset(SEED);
    const seen = (): string => Buffer.from(game.observe()['message'] as Uint8Array).toString('latin1').replace(/\0+$/, '');
    const play = (command: Command) => {
      const { rewards, terminated, text } = game.step([COMMANDS.indexOf(command)]);
      return { rewards, terminated, text: Buffer.from(text ?? []).toString('latin1') };
    };
    const find = (thing: string): number => {
      let turns = 0;
      for (; !seen().includes(`Here: ${thing}`); turns++) expect(play('go east').rewards).toEqual([0, 0]);
      return turns;
    };
    return { play, seen, find, game };
  };

  it('pays a quarter for each deed in its order, and 1 for the last one where only winning counts', () => {
    const { play, seen, find, game } = begun({ episodeStepsMax: 40 });
    const turns = find('key') + find('locked chest');
    // Without the key the chest stays shut, and there is no gem to take.
    expect(play('open')).toEqual({ rewards: [0, 0], terminated: false, text: 'Nothing happens.' });
    expect(play('take').rewards).toEqual([0, 0]);
    let more = find('key');
    expect(play('take')).toEqual({ rewards: [0, 0.25], terminated: false, text: 'You take the key.' });
    expect(seen()).toMatch(/^You carry key\. Here: nothing\. This is the [a-z]+\.$/);
    more += find('locked chest');
    expect(play('open').rewards).toEqual([0, 0.25]);
    expect(seen()).toMatch(/^You carry key\. Here: open chest, gem\./);
    expect(play('take').rewards).toEqual([0, 0.25]);
    more += find('altar');
    expect(play('put')).toEqual({ rewards: [1, 0.25], terminated: false, text: 'The gem lies on the altar. You have won.' });
    expect(game.statistics()).toEqual([1, 4, turns + more + 6, 1]);
    // The rest of the turns gives nothing more.
    for (let turn = turns + more + 6; turn < 40; turn++) expect(play('take')).toEqual({ rewards: [0, 0], terminated: turn === 39, text: 'The game is over.' });
    expect(game.statistics()).toEqual([1, 4, turns + more + 6, 1]);
  });

  it('ends after its turns, and goes round in a ring', () => {
    const { play, seen, game } = begun({ rooms: 5, episodeStepsMax: 12 });
    const first = seen();
    for (let room = 0; room < 5; room++) play('go east');
    expect(seen()).toBe(first);
    expect(play('go west').text).not.toBe(play('go east').text);
    expect(seen()).toBe(first);
    for (let turn = 7; turn < 12; turn++) expect(play('wait').terminated).toBe(turn === 11);
    expect(game.statistics().slice(0, 3)).toEqual([0, 0, 12]);
  });

  it('never pays more than 1 in an episode, whatever is done', () => {
    const random = new CounterRandom(3, 'test');
    let best = 0;
    for (let episode = 0; episode < 300; episode++) {
      const game = new TextAdventure(parsed<TextAdventureSpec>({ kind: 'text-adventure', rooms: 3, episodeStepsMax: 60 }));
      game.reset({ high: episode, low: 1 });
      let [won, dense] = [0, 0];
      for (let turn = 0; turn < 60; turn++) {
        const { rewards } = game.step([Math.floor(random.uniform(episode, turn) * COMMANDS.length)]);
        [won, dense] = [won + rewards[0]!, dense + rewards[1]!];
      }
      expect(dense).toBeLessThanOrEqual(1);
      expect(won).toBe(dense === 1 ? 1 : 0);
      best = Math.max(best, dense);
    }
    expect(best).toBe(1);
  });
});
