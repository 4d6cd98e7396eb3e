/** Inverse reinforcement learning: a reward from behaviour or from comparisons */
import { atMost, measured, reported, type SystemRow } from '../system-row.js';

export const irl: SystemRow = {
  row: 25,
  name: 'irl',
  system: 'Inverse reinforcement learning: a reward from behaviour or from comparisons',
  paper: '2507.13158',
  checked:
    'Fifty episodes of an expert on a 5 x 5 grid: the policy that is optimal for a reward learned by a discriminator against that policy, and, with one field changed, for one learned by Bradley-Terry from comparisons; distance between the steps of that policy and those of the expert.',
  reading: 'Moves are known, so the policy of each step is computed and not learned; the reward is a number for each state and action.',
  absent: 'The survey covers many methods; these two stand for them. Rewards that transfer to other dynamics are not looked at.',
  short: true,
  variants: { 'bradley-terry': { sources: { reward: { fit: { kind: 'bradley-terry', on: 'train', steps: 800 } } } } },
  check({ base, 'bradley-terry': comparisons }) {
    return [
      atMost('total variation from the expert, by behaviour', measured(base, 'reward', 'distance'), 0.1),
      atMost('total variation from the expert, by comparisons', measured(comparisons, 'reward', 'distance'), 0.1),
      reported('total variation of a uniform policy', measured(base, 'reward', 'distance.uniform')),
      reported('total variation of the episodes that were seen', measured(base, 'reward', 'distance.seen')),
    ];
  },
};
