/** SIRL: a representation from similarity */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const sirl: SystemRow = {
  row: 45,
  name: 'sirl',
  system: 'SIRL: a representation from similarity',
  paper: '2301.00810',
  checked:
    'Behaviours with two features that are not linear in their eight coordinates: a network learns from 6,000 answers to "which of two is more like this one"; how much of the features a linear readout of the representation explains on fresh behaviours, and the accuracy of a reward linear in it from 50 comparisons against a network on the coordinates with 400.',
  reading: null,
  absent: 'Robots and people; the answers come from the true features.',
  short: true,
  check({ base }) {
    const explained = (of: string): number => Math.min(measured(base, of, 'explained.feature1'), measured(base, of, 'explained.feature2'));
    return [
      atLeast('variance of the features explained (the less of two)', explained('similar'), 0.85, '0.996 in a prototype whose features were simpler; more steps learn the 6,000 triplets by heart'),
      reported('the same from the coordinates', explained('raw')),
      atLeast('accuracy from 50 comparisons on the representation minus that from 400 on the coordinates', measured(base, 'on-few', 'accuracy') - measured(base, 'on-raw-deep', 'accuracy'), 0),
      reported('accuracy from 50 comparisons', measured(base, 'on-few', 'accuracy')),
    ];
  },
};
