/** Multimodal RewardBench 2: judges over both orders */
import { kendall } from '../../../workers/preference/statistics.js';
import { atLeast, exactly, measured, reported, type SystemRow } from '../system-row.js';

export const mmrb2: SystemRow = {
  row: 47,
  name: 'mmrb2',
  system: 'Multimodal RewardBench 2: judges over both orders',
  paper: '2512.16899',
  checked:
    'Evaluation only: a judge that always says "first" over both orders of 2,000 pairs, and six judges who see the true score with growing noise: rank agreement between their pairwise accuracy and the true score of their best of 16.',
  reading: null,
  absent: 'Images and the expert labels of the benchmark; judges are scripted.',
  short: true,
  check({ base }) {
    const judges = [1, 2, 3, 4, 5, 6];
    const accuracy = judges.map((judge) => measured(base, `judge-${judge}`, 'accuracy'));
    const best = judges.map((judge) => measured(base, `judge-${judge}-best-of-n`, 'gold.16'));
    return [
      exactly('accuracy of a judge that always says first', measured(base, 'first', 'accuracy'), 0.5),
      atLeast('rank agreement of accuracy and best-of-16 over six judges', kendall(accuracy, best), 0.6, 'the table asks for the right sign'),
      reported('best of 16 by the best judge', Math.max(...best)),
    ];
  },
};
