/** MM-RLHF: a beta that grows with the reward margin */
import { atLeast, measured, type SystemRow } from '../system-row.js';

export const mmRlhf: SystemRow = {
  row: 52,
  name: 'mm-rlhf',
  system: 'MM-RLHF: a beta that grows with the reward margin',
  paper: '2502.10391',
  checked:
    'Comparisons whose answers are the noisier the nearer both are: how well the learned direction agrees with the true utility, with beta by the margin of a reward model and with one beta for all.',
  reading: 'f = 1 - e^(-k margin) is our reading of the margin\'s form; w = 1, k = 1.',
  absent: 'Critiques and the critique-conditioned reward model; the reward model is a scripted judge with noise 0.3.',
  short: true,
  check({ base }) {
    return [
      atLeast('agreement with the true utility (correlation), dynamic beta', measured(base, 'dynamic', 'pearson'), 0.985),
      atLeast('gained over one beta', measured(base, 'dynamic', 'pearson') - measured(base, 'plain', 'pearson'), 0.005),
    ];
  },
};
