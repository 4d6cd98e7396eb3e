import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../workers/learner/graph/graph.js';
import { calibrate, calibrated, UNCALIBRATED } from '../../../workers/reward/models/calibration.js';
import { classWeights, testBinary } from '../../../workers/reward/models/classification-fit.js';
import { logisticLoss } from '../../../workers/reward/models/logistic-loss.js';
import { milestones } from '../../../workers/reward/models/milestones.js';
import { TrainingSet } from '../../../workers/reward/models/training-set.js';

/** The loss and its gradient by z, computed by the graph. */
async function lossOf(z: readonly number[], y: readonly number[], weight: readonly number[] = z.map(() => 1)): Promise<{ loss: number; gradient: number[] }> {
  const g = new Graph('loss');
  const shape = [z.length];
  const input = g.parameter('z', shape);
  const loss = logisticLoss(g, input, g.input('y', shape), g.input('w', shape));
  g.output('loss', loss);
  g.output('gradient', g.gradients(loss, [input])[0]!);
  const session = await InferenceSession.create(g.build());
  const feed = (values: readonly number[]): Tensor => new Tensor('float32', Float32Array.from(values), shape);
  const result = await session.run({ z: feed(z), y: feed(y), w: feed(weight) });
  await session.release();
  return { loss: result['loss']!.data[0] as number, gradient: [...(result['gradient']!.data as Float32Array)] };
}

describe('the logistic loss', () => {
  it('is the cross entropy of a classifier: by hand', async () => {
    // z = ln 3 is a probability of 3/4.
    expect((await lossOf([Math.log(3)], [1])).loss).toBeCloseTo(Math.log(4 / 3), 6);
    expect((await lossOf([Math.log(3)], [0])).loss).toBeCloseTo(Math.log(4), 6);
    // Its gradient is probability minus label.
    expect((await lossOf([Math.log(3)], [0])).gradient[0]).toBeCloseTo(0.75, 6);
    // Weights 3 and 1 of the two cases above: (3 ln(4/3) + ln 4) / 4.
    const { loss, gradient } = await lossOf([Math.log(3), Math.log(3)], [1, 0], [3, 1]);
    expect(loss).toBeCloseTo(0.5623351, 6);
    expect(gradient[0]).toBeCloseTo((3 * -0.25) / 4, 6);
    expect(gradient[1]).toBeCloseTo(0.75 / 4, 6);
  });

  it('is that of Bradley and Terry for differences of scores, where a tie pulls them together: by hand', async () => {
    // Scores 2 ln 2 and ln 2: the first wins with probability 2/3. A tie costs the mean of both outcomes.
    const difference = Math.log(2);
    expect((await lossOf([difference], [1])).loss).toBeCloseTo(-Math.log(2 / 3), 6);
    expect((await lossOf([difference], [0.5])).loss).toBeCloseTo(-(Math.log(2 / 3) + Math.log(1 / 3)) / 2, 6);
    expect((await lossOf([difference], [0.5])).gradient[0]).toBeCloseTo(2 / 3 - 1 / 2, 6);
    expect((await lossOf([0], [0.5])).gradient[0]).toBeCloseTo(0, 7);
  });

  it('neither overflows nor loses its gradient far from zero', async () => {
    const { loss, gradient } = await lossOf([200, -200], [0, 1]);
    expect(loss).toBeCloseTo(200, 3);
    expect(gradient[0]).toBeCloseTo(0.5, 6);
    expect(gradient[1]).toBeCloseTo(-0.5, 6);
  });
});

describe('when a version is due', () => {
  const spec = { labelsMin: 10, labelsEvery: 5, growth: 0.5 };

  it('by hand: the first position with enough labels, then half as many again or five more', () => {
    const labels = [0, 4, 8, 12, 13, 18, 19, 40, 41, 60, 61];
    // 12 labels, then at least 18 (position 5), then 27 (position 7 has 40), then 60 (position 9), then 90.
    expect(milestones((position) => labels[position]!, 10, spec)).toEqual({ positions: [3, 5, 7, 9], nextLabels: 90 });
    expect(milestones((position) => labels[position]!, 10, { ...spec, once: true })).toEqual({ positions: [3], nextLabels: null });
  });

  it('never changes with what is appended later, and grows with the logarithm of the log', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 200 }), fc.nat(200), (news, cut) => {
        const labels = news.reduce<number[]>((counts, more) => [...counts, counts.at(-1)! + more], [0]);
        const until = Math.min(cut, news.length);
        const whole = milestones((position) => labels[position]!, news.length, spec).positions;
        expect(milestones((position) => labels[position]!, until, spec).positions).toEqual(whole.filter((position) => position <= until));
      }),
    );
    expect(milestones((position) => 64 * position, 15_625, { labelsMin: 64, labelsEvery: 64, growth: 0.1 }).positions.length).toBeLessThan(90);
  });
});

describe('the training set', () => {
  const texts = Array.from({ length: 1_000 }, (_, index) => `message ${index}`);
  const set = new TrainingSet({ seed: 3, heldOut: 0.2, texts: { length: texts.length, at: (index) => texts[index]! }, freshFrom: 900, isFresh: (text) => texts.indexOf(text) >= 900 });

  it('holds out about the share that is asked for, by the text alone, and never trains on it', () => {
    const held = texts.filter((text) => set.isHeldOut(text));
    expect(held.length / texts.length).toBeGreaterThan(0.16);
    expect(held.length / texts.length).toBeLessThan(0.24);
    const later = new TrainingSet({ seed: 3, heldOut: 0.2, texts: { length: 10, at: (index) => texts[index]! }, freshFrom: 0, isFresh: () => true });
    for (const text of texts.slice(0, 10)) expect(later.isHeldOut(text)).toBe(set.isHeldOut(text));
    for (let step = 0; step < 50; step++) for (const text of set.batch(step, 32, 16)) expect(set.isHeldOut(text)).toBe(false);
  });

  it('draws the replayed share from what an earlier version had seen, and the same batch each time', () => {
    const batch = set.batch(7, 32, 16);
    expect(batch.slice(0, 16).every((text) => texts.indexOf(text) < 900)).toBe(true);
    expect(batch.slice(16).every((text) => texts.indexOf(text) >= 900)).toBe(true);
    expect(set.batch(7, 32, 16)).toEqual(batch);
    expect(set.batch(8, 32, 16)).not.toEqual(batch);
  });
});

describe('calibration', () => {
  it('finds the slope and shift that the labels were drawn with', () => {
    const logits = Array.from({ length: 2_001 }, (_, index) => (index - 1_000) / 250);
    const targets = logits.map((logit) => 1 / (1 + Math.exp(-(0.5 * logit - 1))));
    const { slope, shift } = calibrate(logits, targets, 'platt');
    expect(slope).toBeCloseTo(0.5, 1);
    expect(shift).toBeCloseTo(-1, 1);
    expect(calibrated({ slope: 1, shift: 0 }, Math.log(3))).toBeCloseTo(0.75, 9);
  });

  it('changes the slope alone where only a temperature is asked for, and nothing where the labels say nothing', () => {
    const logits = Array.from({ length: 4_000 }, (_, index) => (index - 2_000) / 400);
    const cooler = calibrate(logits, logits.map((logit) => 1 / (1 + Math.exp(-2 * logit))), 'temperature');
    expect(cooler.shift).toBe(0);
    expect(cooler.slope).toBeCloseTo(2, 1);
    expect(calibrate([1, 2, 3], [1, 0, 1], 'platt')).toEqual(UNCALIBRATED);
    // Labels that contradict the network turn nothing round.
    expect(calibrate(logits, logits.map((logit) => (logit > 0 ? 0 : 1)), 'platt')).toEqual(UNCALIBRATED);
  });
});

describe('what is measured on held-out labels', () => {
  it('by hand', () => {
    const cases = [
      { probability: 0.9, helpful: true },
      { probability: 0.2, helpful: false },
      { probability: 0.6, helpful: false },
      { probability: 0.1, helpful: false },
    ];
    const { tested, accuracy, majority, brier } = testBinary(cases, 0.5);
    expect([tested, accuracy, majority]).toEqual([4, 0.75, 0.75]);
    expect(brier).toBeCloseTo((0.01 + 0.04 + 0.36 + 0.01) / 4, 9);
    expect(classWeights(90, 10, 'balanced')).toEqual({ negative: 100 / 180, positive: 5 });
    expect(classWeights(10_000, 10, 'balanced').positive).toBe(20);
    expect(classWeights(5, 0, 'balanced')).toEqual({ negative: 1, positive: 1 });
  });
});
