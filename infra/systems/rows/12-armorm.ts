/** ArmoRM: rated attributes, gated by the prompt */
import { atLeast, atMost, measured, reported, type SystemRow } from '../system-row.js';

export const armorm: SystemRow = {
  row: 12,
  name: 'armorm',
  system: 'ArmoRM: rated attributes, gated by the prompt',
  paper: '2406.12845',
  checked:
    'Answers with four rated attributes (30 % of the ratings missing, verbosity leaks into the others), prompts of three topics that each care for another attribute: pairwise accuracy of the gated reward against equal weights, and rank correlation of every debiased head with verbosity on fresh answers.',
  reading: 'The gate weighs the debiased heads, as the paper says (its released code weighs the raw ones). Softmax temperature 1 instead of 10: the gate here is a small network that 600 steps train.',
  absent: 'A language model backbone; embeddings are drawn.',
  short: true,
  check({ base }) {
    const heads = [1, 2, 3];
    const correlation = (kind: string): number => Math.max(...heads.map((head) => Math.abs(measured(base, `${kind}-${head}`, 'spearman'))));
    return [
      atLeast('accuracy with the gate', measured(base, 'gated', 'accuracy'), 0.87),
      atLeast('accuracy gained over equal weights', measured(base, 'gated', 'accuracy') - measured(base, 'uniform', 'accuracy'), 0.15),
      atMost('largest rank correlation of a debiased head with verbosity', correlation('debiased'), 0.03),
      reported('the same before debiasing', correlation('raw')),
    ];
  },
};
