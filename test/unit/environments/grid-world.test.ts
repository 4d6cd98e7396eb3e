import { describe, expect, it } from 'vitest';
import { CounterRandom } from '../../../proto/philox.js';
import { environmentSchemas, type GridWorldSpec } from '../../../proto/environments.js';
import { createStepOutcome } from '../../../workers/rollout/environments/environment.js';
import { GridWorldGroup } from '../../../workers/rollout/environments/grid-world/grid-world-group.js';
import { allMessages, MESSAGE_BYTES_MAX } from '../../../workers/rollout/environments/grid-world/messages.js';
import { CELL, isKey, isLocked, PICK_UP, World } from '../../../workers/rollout/environments/grid-world/world.js';

const spec = (overrides: Partial<GridWorldSpec> = {}): GridWorldSpec => ({ ...(environmentSchemas.parse({ kind: 'grid-world' }) as GridWorldSpec), ...overrides });
const DIRECTIONS = [[0, -1], [1, 0], [0, 1], [-1, 0]] as const;

/** Moves from the agent to the nearest cell that `wanted` accepts, by breadth-first search; doors that are locked block. */
function pathTo(world: World, wanted: (cell: number) => boolean): number[] | undefined {
  const start = world.y * world.width + world.x;
  const from = new Map<number, { before: number; move: number }>([[start, { before: -1, move: -1 }]]);
  const queue = [start];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const [move, [dx, dy]] of DIRECTIONS.entries()) {
      const next = at + dy * world.width + dx;
      const cell = world.cells[next]!;
      if (from.has(next) || cell === CELL.wall) continue;
      from.set(next, { before: at, move });
      if (wanted(cell)) {
        const moves: number[] = [];
        for (let step = next; step !== start; step = from.get(step)!.before) moves.unshift(from.get(step)!.move);
        return moves;
      }
      if (!isLocked(cell)) queue.push(next);
    }
  }
  return undefined;
}

/** Takes keys, opens doors and walks to the goal. Returns the actions. */
function solve(world: World): number[] {
  const actions: number[] = [];
  const act = (action: number): void => {
    actions.push(action);
    world.act(action);
  };
  while (!world.atGoal && actions.length < 1000) {
    const toGoal = pathTo(world, (cell) => cell === CELL.goal);
    if (toGoal) toGoal.forEach(act);
    else if (world.carried === 0) {
      const toKey = pathTo(world, isKey);
      if (!toKey) break;
      toKey.forEach(act);
      act(PICK_UP);
    } else {
      const toDoor = pathTo(world, isLocked);
      if (!toDoor) break;
      toDoor.forEach(act);
      act(toDoor[toDoor.length - 1]!);
    }
  }
  return actions;
}

describe('the grid world', () => {
  it.each([1, 2, 3, 4])('with %i rooms can be solved from every seed', (rooms) => {
    for (let seed = 0; seed < 100; seed++) {
      const world = new World({ size: 5, rooms, distractors: 3 });
      world.reset({ high: 0, low: seed });
      solve(world);
      expect(world.atGoal, `seed ${seed}`).toBe(true);
      expect(world.doorsOpened).toBe(rooms - 1);
    }
  });

  it('is too hard for chance: fewer than 1 % of random episodes reach the goal', () => {
    const size = 64;
    const group = new GridWorldGroup(spec(), size);
    const outcome = createStepOutcome(group.spaces, size);
    const random = new CounterRandom(1, 'test');
    const actions = new Int32Array(size);
    let episodes = 0;
    let successes = 0;
    for (let index = 0; index < size; index++) group.reset(index, { high: 0, low: index });
    for (let step = 0; episodes < 1000; step++) {
      for (let index = 0; index < size; index++) actions[index] = Math.floor(random.uniform(step, index) * 5);
      group.step(actions, outcome);
      for (let index = 0; index < size; index++) {
        if (!outcome.terminated[index] && !outcome.truncated[index]) continue;
        successes += group.statistics(index)[0]!;
        group.reset(index, { high: 1, low: ++episodes });
      }
    }
    expect(successes / episodes).toBeLessThan(0.01);
  });

  it('tells what happened, pays at the goal only, and ends there', () => {
    const options = spec({ rooms: 2, distractors: 0 });
    const group = new GridWorldGroup(options, 1);
    const outcome = createStepOutcome(group.spaces, 1);
    const world = new World(options);
    world.reset({ high: 0, low: 3 });
    const actions = solve(world);
    group.reset(0, { high: 0, low: 3 });
    const texts: string[] = [];
    actions.forEach((action, index) => {
      group.step(Int32Array.of(action), outcome);
      const text = Buffer.from(outcome.texts[0]!).toString('latin1');
      if (text !== '') texts.push(text.replace(/red|blue|green|yellow|purple|grey/, 'COLOUR'));
      expect(Buffer.from(group.observations.message).toString('latin1').replace(/\0+$/, '')).toBe(Buffer.from(outcome.texts[0]!).toString('latin1'));
      const last = index === actions.length - 1;
      expect(outcome.rewards[0]).toBe(last ? 1 : 0);
      expect(outcome.terminated[0]).toBe(last ? 1 : 0);
    });
    expect(texts).toEqual(['You see a COLOUR key here.', 'You pick up the COLOUR key.', 'You unlock the COLOUR door with the key. It opens.', 'You walk through the COLOUR door.', 'You reach the goal!']);
    expect([...group.statistics(0)]).toEqual([1, 1, 1, 1, actions.length]);
  });

  it('is cut at its step limit, which is no end of its own', () => {
    const group = new GridWorldGroup(spec({ episodeStepsMax: 3 }), 1);
    const outcome = createStepOutcome(group.spaces, 1);
    group.reset(0, { high: 0, low: 1 });
    const ends = [1, 2, 3].map(() => {
      group.step(Int32Array.of(PICK_UP), outcome);
      return [outcome.terminated[0], outcome.truncated[0]];
    });
    expect(ends).toEqual([[0, 0], [0, 0], [0, 1]]);
  });

  it('shows the agent in the middle of what it sees', () => {
    const options = spec({ distractors: 0 });
    const group = new GridWorldGroup(options, 1);
    const world = new World(options);
    world.reset({ high: 2, low: 5 });
    group.reset(0, { high: 2, low: 5 });
    for (let dy = -3; dy <= 3; dy++) {
      for (let dx = -3; dx <= 3; dx++) {
        const [x, y] = [world.x + dx, world.y + dy];
        const inside = x >= 0 && y >= 0 && x < world.width && y < world.height;
        expect(group.observations.view[(dy + 3) * 7 + dx + 3]).toBe(inside ? world.cells[y * world.width + x] : CELL.outside);
      }
    }
  });

  it('says nothing that is longer than its bound, or that tells what an action is worth', () => {
    for (const text of allMessages()) {
      expect(Buffer.byteLength(text, 'latin1')).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
      expect(text).not.toMatch(/good|bad|reward|well done|score/i);
    }
  });
});
