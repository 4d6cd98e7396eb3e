/** The workload of rated replies, and what a policy is compared with. */
import { describe, expect, it } from 'vitest';
import { modelJobSchema } from '../../../proto/preference-job.js';
import { policyFigures } from '../../../workers/preference/evaluations/policy.js';
import type { EvaluationContext } from '../../../workers/preference/evaluations/evaluation.js';
import type { Dataset } from '../../../workers/preference/dataset.js';
import { makeReplies } from '../../../workers/preference/workloads/replies.js';
import { mean } from '../../../workers/preference/statistics.js';

const spec = modelJobSchema.parse({ name: 'x', data: { kind: 'replies', humanRatings: 2_000, modelRatings: 2_000 } }).data as Parameters<typeof makeReplies>[0];

describe('rated replies', () => {
  const { ratings, policy } = makeReplies(spec, 4) as { ratings: Dataset; policy: Dataset };

  it('are rated truly by people, and 0.3 too high with four times the deviation by a model; what is unrated says so', () => {
    const errors = (from: number, to: number): number[] =>
      Array.from({ length: to - from }, (_, index) => from + index).flatMap((row) => (ratings.units['rated']!.values[row * 3] === 1 ? [ratings.units['rating']!.values[row * 3]! - ratings.units['r1']!.values[row]!] : []));
    const [people, model] = [errors(0, 2_000), errors(2_000, 4_000)];
    const deviation = (values: number[]): number => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
    expect(mean(people)).toBeCloseTo(0, 1);
    expect(mean(model)).toBeCloseTo(0.3, 1);
    expect(deviation(people)).toBeCloseTo(0.2, 1);
    expect(deviation(model)).toBeCloseTo(0.8, 1);
    expect(people.length / 2_000).toBeCloseTo(0.8, 1);
  });

  it('have a reference that is a distribution for each prompt', () => {
    for (let prompt = 0; prompt < spec.prompts; prompt++) {
      const own = policy.units['logReference']!.values.slice(prompt * spec.actions, (prompt + 1) * spec.actions);
      expect(own.reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 5);
    }
  });
});

describe('the figures of a policy', () => {
  it('say what it expects and what the reference does', async () => {
    const column = (values: number[]) => ({ width: 1, values: Float32Array.from(values) });
    const data: Dataset = { rows: 2, units: { logReference: column([Math.log(0.25), Math.log(0.75)]), r1: column([4, 8]) }, pairs: null, lists: { start: Int32Array.of(0), size: Int32Array.of(2) }, facts: {} };
    const scoring = { score: async () => column([Math.log(0.5), Math.log(0.5)]), options: { job: { learn: {} } } } as unknown as EvaluationContext['scoring'];
    const { means } = await policyFigures({ kind: 'policy', of: 'p', on: 't', rewards: {}, beta: 1, mixture: null }, { scoring, data });
    // 0.5 (4 + 8), and 0.25 x 4 + 0.75 x 8.
    expect(means['expected.r1']?.mean).toBeCloseTo(6, 5);
    expect(means['reference.r1']?.mean).toBeCloseTo(7, 5);
  });
});
