/** A portfolio whose reward is the Sharpe ratio of a whole episode. */
import { atLeast, atMost, measured, measuredUntrained, reported, type SystemRow } from '../system-row.js';

export const sharpe: SystemRow = {
  row: 18,
  name: 'sharpe',
  system: 'Portfolio by reinforcement learning with the Sharpe ratio as reward',
  paper: '2412.18563',
  checked:
    'Weights over four assets are chosen at each of 32 steps; the reward of a step is its share in the change of the Sharpe ratio (differential Sharpe ratio, clipped to 1); against the same job with the return of each step as reward. Sharpe ratio of the final policies and of the untrained one on the same 512 evaluation episodes, and that the weights are a portfolio.',
  reading:
    'The averaging window of the paper is not known: ours are moving moments of a rate of .03. The ratio that is reported is that of an episode, per step, not annualised. Paid whole at the end of an episode (`sharpe`), the ratio was hardly learned in 3 million steps (.169 to .188), and without the clip the first steps of an episode drown the rest; this form was chosen after both had been tried, on one seed.',
  absent: 'Market data: the returns are drawn from four normal distributions with a slow common tide.',
  short: false,
  variants: { 'return-objective': { combine: { weights: { sharpe: 0, gain: 100 } } } },
  check({ base, 'return-objective': greedy }) {
    const ratio = measured(base, 'policy', 'sharpe');
    return [
      reported('Sharpe ratio, untrained', measuredUntrained(base, 'policy', 'sharpe')),
      reported('Sharpe ratio, return as objective', measured(greedy, 'policy', 'sharpe')),
      reported('return, Sharpe ratio as objective', measured(base, 'policy', 'return')),
      reported('return, return as objective', measured(greedy, 'policy', 'return')),
      atLeast('Sharpe ratio, Sharpe ratio as objective', ratio, 0.2),
      atLeast('Sharpe ratio above the untrained one', ratio - measuredUntrained(base, 'policy', 'sharpe'), 0.05),
      atLeast('Sharpe ratio above that of the return as objective', ratio - measured(greedy, 'policy', 'sharpe'), 0.05),
      atLeast('least weight of an asset', measured(base, 'policy', 'weightLeast'), 0),
      atMost('distance of the sum of weights from 1', Math.abs(measured(base, 'policy', 'weightsSum') - 1), 1e-6),
    ];
  },
};
