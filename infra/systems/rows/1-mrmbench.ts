/** MRMBench: probing what a reward model represents */
import { atLeast, atMost, measured, type SystemRow } from '../system-row.js';

export const mrmbench: SystemRow = {
  row: 1,
  name: 'mrmbench',
  system: 'MRMBench: probing what a reward model represents',
  paper: '2511.12464',
  checked:
    'Evaluation of a reward model that was fitted on three of six dimensions: logistic probes for each dimension on its frozen hidden layer, and pairwise accuracy on the 80 % of pairs with the largest score difference against all pairs.',
  reading: 'The confidence of a pair is its score difference; the paper measures the distance to centroids of each dimension.',
  absent: 'Language models; the dimensions are directions of the embedding, nearly at right angles.',
  short: true,
  check({ base }) {
    const probe = (dimension: number): number => measured(base, 'probes', `accuracy.attribute${dimension}`);
    return [
      ...[1, 2, 3].map((dimension) => atLeast(`probe accuracy of trained dimension ${dimension}`, probe(dimension), 0.85)),
      ...[4, 5, 6].map((dimension) => atMost(`probe accuracy of hidden dimension ${dimension}`, probe(dimension), 0.6)),
      atLeast('pairwise accuracy gained without the least confident 20 %', measured(base, 'pairs', 'accuracy.confident') - measured(base, 'pairs', 'accuracy'), 0.02),
    ];
  },
};
