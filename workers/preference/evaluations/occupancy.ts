/** E4 for rewards of decision processes: does the policy that is optimal for the reward go where the expert goes? */
import type { ModelEvaluationOf } from '../../../proto/preference-evaluate.js';
import { unitNumbers } from '../dataset.js';
import { pearson } from '../statistics.js';
import { occupancy, processOf, softPolicy, totalVariation } from '../soft-control.js';
import { exact, type Evaluated, type EvaluationContext } from './evaluation.js';

/** Total variation between the steps of the soft-optimal policy and those of the expert, beside that of a uniform policy and of the episodes that were seen. */
export async function occupancyFigures(spec: ModelEvaluationOf<'occupancy'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const process = processOf(data);
  const score = await scoring.scalar(spec.of, data);
  const expert = unitNumbers(data, 'occupancy');
  const of = (reward: ArrayLike<number>): number => totalVariation(occupancy(process, softPolicy(process, reward)), expert);
  return {
    items: data.rows,
    means: {
      distance: exact(of(score)),
      'distance.uniform': exact(totalVariation(occupancy(process, new Float64Array(data.rows).fill(-Math.log(process.actions))), expert)),
      'distance.seen': exact(totalVariation(unitNumbers(data, 'visits'), expert)),
      correlation: exact(pearson(score, unitNumbers(data, 'reward'))),
    },
  };
}
