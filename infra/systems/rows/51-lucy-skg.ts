/** Lucy-SKG: rewards combined so that none of them makes up for another. */
import { firstEvaluationAbove } from '../learning-curve.js';
import { atLeast, atMost, measured, measuredUntrained, reported, type SystemRow } from '../system-row.js';

export const lucySkg: SystemRow = {
  row: 51,
  name: 'lucy-skg',
  system: 'Lucy-SKG: Kinesthetic Reward Combination',
  paper: '2305.15801',
  checked:
    'A mass pushes a puck to a place. Two rewards, being near the puck and the puck being near its place, are combined as the signed geometric mean (KRC) and used as a potential; against the same job with their mean in its place. The first of the versions evaluated (every 20th, 128 episodes on the same seeds) whose success is 0.8, and the success at the end. The values (2, 8) → 4, (−.5, −.5) → −.5 and 0 → 0 are unit tests of the combinator.',
  reading: 'The two rewards of nearness are 1 / (1 + (d / .35)²) in the place of the powers of exponentials of the paper; its potential has a factor on negative differences, ours has none, so that which policy is best does not change. Lockstep, one seed. Both reach the goal always; KRC is there later, and of two asynchronous tries it was first in one and last in the other: that it is quicker is not shown.',
  absent: 'Rocket League, and the auxiliary tasks of reward and state prediction.',
  short: false,
  variants: { 'linear-mean': { combine: { of: [{ op: 'linear', name: 'krc', weights: { near: 0.5, 'puck-near': 0.5 } }] } } },
  check({ base, 'linear-mean': linear }) {
    const [krc, mean] = [base, linear].map((run) => firstEvaluationAbove(run, 'success', 0.8)) as [number, number];
    return [
      reported('success, untrained', measuredUntrained(base, 'policy', 'success')),
      reported('success of the linear mean at the end', measured(linear, 'policy', 'success')),
      reported('success of KRC at the end', measured(base, 'policy', 'success')),
      reported('first evaluated version of the linear mean with a success of 0.8 (301: none)', mean),
      atMost('first evaluated version of KRC with a success of 0.8', krc, 300),
      atLeast('versions by which KRC is there before the linear mean', mean - krc, 1),
    ];
  },
};
