/** Whole training steps against PyTorch: recorded by test/reference/learner/make_fixtures.py. */
import { describe, expect, it } from 'vitest';
import { TrainStepper } from '../../../workers/learner/stepper.js';
import { batchOf, compared, networkOf, readCases, readExpected, stateOf } from './reference-case.js';

const TOLERANCE = 1e-5;
const expected = new Map(readExpected().map((one) => [one.name, one]));

describe('a training step', () => {
  it.each(readCases())('equals PyTorch over three steps to 1e-5: $name', async (one) => {
    const reference = expected.get(one.name)!;
    const network = networkOf(one);
    const stepper = await TrainStepper.create(network, one.learn, ...one.grid);
    const { batch, figures } = compared(one, batchOf(one, network));
    let state = stateOf(one, network);
    const wrong: string[] = [];
    const compare = (what: string, got: number, want: number): void => {
      if (!(Math.abs(got - want) <= TOLERANCE * Math.max(1, Math.abs(want)))) wrong.push(`${what}: ${got}, PyTorch ${want}`);
    };
    try {
      for (const [index, metrics] of reference.metrics.entries()) {
        const stepped = await stepper.step(state, batch);
        state = stepped.state;
        for (const [name, want] of Object.entries(metrics)) compare(`step ${index + 1}, ${name}`, { ...stepped.metrics, ...figures }[name]!, want);
      }
    } finally {
      await stepper.release();
    }
    expect(Object.fromEntries(network.parameters.map(({ name, shape }) => [name, [...shape]]))).toEqual(Object.fromEntries(Object.entries(reference.parameters).map(([name, { shape }]) => [name, shape])));
    for (const [name, { stride, sample, norm }] of Object.entries(reference.parameters)) {
      const values = state.parameters[name]!;
      sample.forEach((want, index) => compare(`${name}[${index * stride}]`, values[index * stride]!, want));
      compare(`norm of ${name}`, Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)), norm);
    }
    expect(wrong).toEqual([]);
  });
});
