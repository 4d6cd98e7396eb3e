/** VPL: a latent for each user */
import { atLeast, measured, type SystemRow } from '../system-row.js';

export const vpl: SystemRow = {
  row: 29,
  name: 'vpl',
  system: 'VPL: a latent for each user',
  paper: '2408.10075',
  checked:
    'Two groups of users who want opposite things: accuracy for new users whose latent is inferred from 8 comparisons, against one Bradley-Terry model for all.',
  reading: 'A mean over the encoded comparisons stands where the paper has attention.',
  absent: 'The latent-conditioned policy, reward scaling across users, and active choice of queries.',
  short: true,
  check({ base }) {
    return [
      atLeast('accuracy for new users from 8 comparisons', measured(base, 'inferred', 'accuracy'), 0.9, 'the table names what one prototype reached, 0.94'),
      atLeast('accuracy gained over one model for all', measured(base, 'inferred', 'accuracy') - measured(base, 'single', 'accuracy'), 0.3),
    ];
  },
};
