/** The state of an objective's machine as an observation. */
import { describe, expect, it } from 'vitest';
import { environmentSchemas } from '../../../proto/environments.js';
import { resolveJob } from '../../../proto/resolve.js';
import { shownMachines, type ShownMachines } from '../../../proto/shown-machines.js';
import { createStepOutcome } from '../../../workers/rollout/environments/environment.js';
import { createEnvironmentGroup, environmentSpaces } from '../../../workers/rollout/environments/registry.js';

const room = environmentSchemas.parse({ kind: 'landmarks', size: 3, episodeStepsMax: 50 });
const PROPOSITIONS = { a: 'contains(text, "on A")', b: 'env("atB") > 0' };
const order = {
  kind: 'spec',
  show: true,
  objective: { kind: 'machine', propositions: PROPOSITIONS, initial: 'before', states: { before: [{ when: 'a', to: 'between' }], between: [{ when: 'b', to: 'after', reward: 1 }], after: [] } },
};
const job = (source: object): object => ({ name: 'x', environment: room, sources: { order: source }, combine: { op: 'linear', weights: { order: 1 } }, stop: { versions: 1 } });
const showsOf = (source: object): ShownMachines => shownMachines(resolveJob(job(source)) as Parameters<typeof shownMachines>[0]);
const [NORTH, EAST, SOUTH, WEST] = [0, 1, 2, 3] as const;

describe('a machine that is shown', () => {
  it('is one more observation, that follows the episode and begins anew with it', async () => {
    const shows = showsOf(order);
    const group = await createEnvironmentGroup(room, 2, shows);
    expect(group.spaces).toEqual(await environmentSpaces(room, shows));
    expect(group.spaces.observations['machine_order']).toEqual({ type: 'int16', shape: [1], kind: 'glyphs', vocabulary: 4 });
    const outcome = createStepOutcome(group.spaces, 2);
    const state = (): number[] => [...group.observations['machine_order']!];
    const walk = async (...actions: number[]): Promise<number[]> => {
      for (const action of actions) await group.step(Int32Array.of(action, WEST), outcome, [0]);
      return state();
    };
    await group.reset(0, { high: 0, low: 1 });
    await group.reset(1, { high: 0, low: 2 });
    expect(state()).toEqual([1, 1]);
    // B before A changes nothing; the other environment was not stepped.
    expect(await walk(EAST, EAST, SOUTH, SOUTH)).toEqual([1, 1]);
    expect(await walk(NORTH, NORTH, WEST, WEST)).toEqual([2, 1]);
    expect(await walk(EAST)).toEqual([2, 1]);
    expect(await walk(EAST, SOUTH, SOUTH)).toEqual([3, 1]);
    expect(outcome.terminated[0]).toBe(1);
    await group.reset(0, { high: 0, low: 3 });
    expect(state()).toEqual([1, 1]);
    await group.close();
  });

  it('may be a compiled formula', async () => {
    const shows = showsOf({ kind: 'spec', show: true, objective: { kind: 'ltl', propositions: PROPOSITIONS, formula: '!b U a' } });
    const group = await createEnvironmentGroup(room, 1, shows);
    const outcome = createStepOutcome(group.spaces, 1);
    await group.reset(0, { high: 0, low: 1 });
    const seen = new Set([group.observations['machine_order']![0]]);
    for (const action of [EAST, EAST, SOUTH, SOUTH, NORTH, NORTH, WEST, WEST]) {
      await group.step(Int32Array.of(action), outcome);
      seen.add(group.observations['machine_order']![0]);
    }
    // Before the first step, undecided, and broken for good since B came first: a later A does not mend it.
    expect(seen.size).toBe(3);
    expect(Math.max(...(seen as Set<number>))).toBeLessThan(group.spaces.observations['machine_order']!.vocabulary!);
    await group.close();
  });

  it('is left out where it is not asked for, and refused where it cannot be known in the moment of the step', () => {
    expect(showsOf({ ...order, show: false })).toEqual({});
    expect(() => resolveJob(job({ ...order, objective: { ...order.objective, propositions: { a: 'count > 1', b: 'env("atB") > 0' } } }))).toThrow(/sources\.order\.show: expected the proposition a to ask for text, env, position alone .* count/);
    expect(() => resolveJob(job({ kind: 'spec', show: true, objective: { kind: 'sharpe', of: 'env("inOrder")' } }))).toThrow(/expected a machine or a formula where the state is shown, got sharpe/);
  });
});
