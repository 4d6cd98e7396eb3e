/** POLAR: a reward model that tells policies apart */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const polar: SystemRow = {
  row: 41,
  name: 'polar',
  system: 'POLAR: a reward model that tells policies apart',
  paper: '2507.05197',
  checked:
    'Trajectories of 120 policies, four of their twelve numbers noise: which of two is of the reference\'s policy, for policies that were never seen, after pre-training and after a fine-tune on 100 ranked triples.',
  reading: null,
  absent: 'Language models, and the scaling law of the paper. At this size the fine-tune alone does nearly as well as pre-training: it is reported.',
  short: true,
  check({ base }) {
    return [
      atLeast('accuracy on new policies after pre-training', measured(base, 'pretrained', 'accuracy'), 0.95),
      atLeast('accuracy on new policies after the fine-tune', measured(base, 'tuned', 'accuracy'), 0.95),
      reported('accuracy from the 100 triples alone', measured(base, 'ranked-only', 'accuracy')),
    ];
  },
};
