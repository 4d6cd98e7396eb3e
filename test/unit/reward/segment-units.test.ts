import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { columnArray, readTables } from '../../../proto/flight/tables.js';
import { segmentUnits } from '../../../workers/reward/segment-units.js';
import { holders, levelOf, textOf } from '../../../workers/reward/units.js';
import { SmallRun } from '../../support/small-run.js';

let small: SmallRun;
beforeAll(async () => {
  small = await SmallRun.prepare();
}, 60_000);
afterAll(() => small.close());

describe('units of a played segment', () => {
  it('has a step for each transition and an episode for each run of them, the same sums in both', async () => {
    const [batch] = await small.collect(2);
    const bytes = await small.store.get(batch!.segments[0]!.key);
    const table = readTables(bytes!)[0]!;
    const units = segmentUnits(table, ['observation.statistics', 'logprob']);
    const step = levelOf(units, 'step');
    const episode = levelOf(units, 'episode');
    expect(step.units).toBe(64);
    expect(step.numbers['observation.statistics']).toMatchObject({ width: 13 });
    expect([...step.numbers['logprob']!.values]).toEqual([...columnArray(table, 'behaviour_log_prob', Float32Array)]);
    expect([...holders(units, 'step', 'episode')]).toEqual([...step.episode]);

    const environment = columnArray(table, 'environment', Int32Array);
    const number = columnArray(table, 'episode', Int32Array);
    expect(episode.units).toBe(new Set([...environment].map((one, row) => `${one}/${number[row]}`)).size);
    for (let unit = 0; unit < episode.units; unit++) {
      const rows = [...step.parent!.keys()].filter((row) => step.parent![row] === unit);
      expect(episode.envReward[unit]).toBe(rows.reduce((sum, row) => sum + step.envReward[row]!, 0));
      expect(episode.begins[unit]).toBe(step.position[rows[0]!] === 0 ? 1 : 0);
      expect(episode.ends[unit]).toBe(step.done[rows.at(-1)!]);
      expect(textOf(episode, unit)).toBe(textOf(step, rows.at(-1)!));
    }
    expect(() => levelOf(units, 'token')).toThrow(/expected units of granularity token in this batch, it has step, episode/);
  });
});
