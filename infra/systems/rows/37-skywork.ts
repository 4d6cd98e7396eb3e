/** Skywork-Reward-V2: pairs that two reward models agree on */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const skywork: SystemRow = {
  row: 37,
  name: 'skywork',
  system: 'Skywork-Reward-V2: pairs that two reward models agree on',
  paper: '2507.01352',
  checked:
    'A pool with 30 % wrong labels, and 110 verified pairs: pairs are kept whose label both the model of the verified pairs and the current model of the pool reproduce. Share of right labels among the kept, and accuracy of a network fitted on them against one fitted on the raw pool.',
  reading: 'One round; the current model is stopped early, so that it has not yet learned the wrong labels by heart.',
  absent: 'Language models that label similar pairs under guidance, and the scale of the paper. Every kept pair names the pair of the pool it came from and what the operation measured. The model of the verified pairs alone is as good here, and is reported.',
  short: true,
  check({ base }) {
    return [
      atLeast('right labels among the kept pairs', measured(base, 'agreed', 'purity'), 0.92),
      atLeast('accuracy gained over the raw pool', measured(base, 'curated', 'accuracy') - measured(base, 'raw', 'accuracy'), 0.05),
      reported('share of pairs kept', measured(base, 'agreed', 'kept')),
      reported('accuracy of the model of the verified pairs', measured(base, 'gold', 'accuracy')),
    ];
  },
};
