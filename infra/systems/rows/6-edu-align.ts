/** EduAlign: three heads from mixed ratings, then a policy that all of them reward. */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

const DIMENSIONS = ['helpful', 'personal', 'creative'] as const;

export const eduAlign: SystemRow = {
  row: 6,
  name: 'edu-align',
  system: 'EduAlign: a rater with three heads, fitted on ratings by people and by a model, and a policy that it rewards',
  paper: '2507.20335',
  checked:
    'Replies whose helpfulness, personalisation and creativity are rated by few people and by many noisy, lenient answers of a model: Pearson correlation of each of three regression heads with the truth on fresh replies; then a policy learned from the sum of the heads: expected score of each head, and the truth of each dimension, under it and under the reference.',
  reading: 'The policy is a table over known replies and learns by reward-weighted regression instead of GRPO, so that one job holds both stages and expectations are exact sums. Equal weights of the heads.',
  absent: 'GRPO on a language model, and language models as raters: ratings are drawn.',
  short: true,
  check({ base }) {
    const change = (column: string): number => measured(base, 'policy', `expected.${column}`) - measured(base, 'policy', `reference.${column}`);
    const heads = DIMENSIONS.map((name, index) => ({ name, head: `r${index + 4}`, truth: `r${index + 1}` }));
    return [
      ...heads.map(({ name }) => atLeast(`correlation of the head ${name} with the truth on fresh replies`, measured(base, name, 'pearson'), 0.7)),
      ...heads.map(({ name, head }) => atLeast(`rise of the mean of the head ${name} over the reference`, change(head), 0)),
      ...heads.map(({ name, truth }) => reported(`rise of the true ${name}`, change(truth))),
      reported('divergence of the policy from the reference, nats', measured(base, 'policy', 'divergence.reference')),
    ];
  },
};
