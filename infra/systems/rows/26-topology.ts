/** Reward generalisation: comparisons on a tree of prefixes */
import { atMost, exactly, measured, reported, type SystemRow } from '../system-row.js';

export const topology: SystemRow = {
  row: 26,
  name: 'topology',
  system: 'Reward generalisation: comparisons on a tree of prefixes',
  paper: '2402.10184',
  checked:
    'Pairs of answers that share a prefix, against pairs of independent answers (128 of each, on a tree of depth 4 and branching 3): the share of pairs with a common prefix, the tokens that a judge reads, and the posterior variance of reward differences in closed form; on three answers with two comparisons it is checked against the value by hand.',
  reading: 'The linear-Gaussian form of inference distance: the reward of an answer is the sum of values of the segments on its path.',
  absent: 'The asymptotic statements of the paper. Its claim that a tree gives a smaller variance does not show here: it is larger, and is reported without a threshold.',
  short: true,
  variants: {
    chain: { data: { topology: 'chain' } },
    'three-answers': { data: { kind: 'inline', tables: { train: { columns: { answer: [0, 1, 2] }, pairs: [[0, 1], [1, 2]] } } } },
  },
  check({ base, chain, 'three-answers': three }) {
    return [
      exactly('share of tree pairs with a common prefix', measured(base, 'graph', 'sharing'), 1),
      atMost('tokens of the tree against the chain', measured(base, 'graph', 'tokens') / measured(chain, 'graph', 'tokens'), 0.85),
      exactly('posterior variance on three answers (by hand: (0.625 + 1 + 0.625) / 3)', measured(three, 'graph', 'variance'), 0.75, 1e-6),
      reported('posterior variance of the tree', measured(base, 'graph', 'variance')),
      reported('posterior variance of the chain', measured(chain, 'graph', 'variance')),
    ];
  },
};
