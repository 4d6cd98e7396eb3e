/** PAL: ideal points mixed from prototypes */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const pal: SystemRow = {
  row: 24,
  name: 'pal',
  system: 'PAL: ideal points mixed from prototypes',
  paper: '2406.08469',
  checked:
    'Users of four groups who prefer answers near a point of their own, groups in opposite twos: accuracy for users who were never seen, after 10 comparisons of each, against one ideal point for all.',
  reading: null,
  absent: 'The multimodal encoders; the embedding is given.',
  short: true,
  check({ base }) {
    return [
      atLeast('accuracy for new users after 10 comparisons', measured(base, 'ten-pairs', 'accuracy'), 0.9, 'the table names what one prototype reached, 0.94'),
      atLeast('accuracy gained over one shared ideal point', measured(base, 'ten-pairs', 'accuracy') - measured(base, 'one-point', 'accuracy'), 0.05, 'the gain depends on how far the tastes of the workload are apart, 0.17 in the table'),
      reported('accuracy without any comparison', measured(base, 'no-pairs', 'accuracy')),
    ];
  },
};
