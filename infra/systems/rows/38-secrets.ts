/** Secrets of RLHF II: preference strength */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const secrets: SystemRow = {
  row: 38,
  name: 'secrets',
  system: 'Secrets of RLHF II: preference strength',
  paper: '2401.06080',
  checked:
    'A quarter of the labels is turned round. The strength of a pair is the mean score difference over five bootstrapped models: how many of the lowest fifth have a wrong label, and the accuracy of a model fitted after dropping pairs with negative strength, flipping the lowest fifth, or softening, against the raw labels.',
  reading: 'Dropping, flipping and softening by the sign or the rank of the strength.',
  absent: 'The contrastive loss and MetaRM. Whether curation raises accuracy depends on the model: here, where a linear model fits the truth and noise is symmetric, raw labels are as good; the differences are reported, not judged.',
  short: true,
  check({ base }) {
    const gained = (name: string): number => measured(base, name, 'accuracy') - measured(base, 'raw', 'accuracy');
    return [
      atLeast('wrong labels among the lowest 20 % by strength', measured(base, 'lowest', 'selected.precision'), 0.92),
      atLeast('right labels after dropping negative strength', measured(base, 'dropped', 'purity'), 0.92),
      reported('right labels before', measured(base, 'dropped', 'purity.before')),
      reported('accuracy on raw labels', measured(base, 'raw', 'accuracy')),
      reported('accuracy gained by dropping (3.8 points in a prototype)', gained('on-dropped')),
      reported('accuracy gained by flipping', gained('on-flipped')),
      reported('accuracy gained by softening', gained('on-softened')),
    ];
  },
};
