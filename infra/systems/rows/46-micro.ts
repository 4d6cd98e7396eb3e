/** MiCRo: a mixture of rewards and Hedge */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const micro: SystemRow = {
  row: 46,
  name: 'micro',
  system: 'MiCRo: a mixture of rewards and Hedge',
  paper: '2505.24846',
  checked:
    'Two groups of users whose tastes are at right angles, without a word on who is of which: accuracy for new users by a mixture of two heads whose weights Hedge moves with 50 comparisons, against one Bradley-Terry model.',
  reading: 'Hedge with rate 1 from the prior of the mixture. Groups that want exactly opposite things cannot be told apart from pairs alone, so the tastes are at right angles.',
  absent: 'The router from the prompt is there (`mixture` on units with a prompt) but not part of this row.',
  short: true,
  check({ base }) {
    return [
      ...['group-0', 'group-1'].map((group) => atLeast(`accuracy for ${group} after 50 comparisons`, measured(base, 'hedged', `accuracy.${group}`), 0.95)),
      atLeast('accuracy gained over one model', measured(base, 'hedged', 'accuracy') - measured(base, 'single', 'accuracy'), 0.2),
      reported('accuracy of one model', measured(base, 'single', 'accuracy')),
    ];
  },
};
