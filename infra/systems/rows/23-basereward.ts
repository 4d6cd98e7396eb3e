/** BaseReward: two-layer heads and an ensemble */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const basereward: SystemRow = {
  row: 23,
  name: 'basereward',
  system: 'BaseReward: two-layer heads and an ensemble',
  paper: '2509.16127',
  checked:
    'Five Bradley-Terry models with a hidden layer, each on a bootstrap sample of 400 noisy comparisons, and their mean: accuracy against the best single one, and calibration against the mean of the single ones.',
  reading: null,
  absent: 'The data mixture and the multimodal backbone of the paper. That the recipe is one job is shown by the file; it has more fields than six that differ from the job of row 12, because the workload is another.',
  short: true,
  check({ base }) {
    const single = (name: string): number[] => [1, 2, 3, 4, 5].map((member) => measured(base, `member-${member}`, name));
    const ece = single('ece');
    return [
      atLeast('accuracy of the ensemble minus the best single model', measured(base, 'ensemble', 'accuracy') - Math.max(...single('accuracy')), -0.005),
      atLeast('calibration error of the single models (mean) minus that of the ensemble', ece.reduce((sum, one) => sum + one, 0) / ece.length - measured(base, 'ensemble', 'ece'), 0),
      reported('accuracy of the ensemble', measured(base, 'ensemble', 'accuracy')),
    ];
  },
};
