/** Constrained RLHF: proxies held at thresholds */
import { atLeast, atMost, measured, type SystemRow } from '../system-row.js';

export const constrained: SystemRow = {
  row: 39,
  name: 'constrained',
  system: 'Constrained RLHF: proxies held at thresholds',
  paper: '2310.04373',
  checked:
    'Two proxy rewards whose truth falls beyond level 1: the policy with learned multipliers at thresholds 1 (tanh, which can push back, and sigmoid) against the plain sum of the proxies: true score, and how far each proxy is from its threshold.',
  reading: 'Expectations are exact sums over all answers, so there is no advantage estimate; the policy is reference x exp(sum of w r).',
  absent: 'PPO on a language model, and the search for the thresholds (Nelder-Mead): they are given.',
  short: true,
  check({ base }) {
    const gap = (policy: string): number => Math.max(...['r1', 'r2'].map((reward) => Math.abs(measured(base, policy, `expected.${reward}`) - 1)));
    return [
      ...['held', 'capped'].flatMap((policy) => [
        atMost(`largest distance of a proxy from its threshold, ${policy}`, gap(policy), 0.01),
        atLeast(`true score, ${policy}`, measured(base, policy, 'expected.gold'), 0.97, 'the best policy of this reference keeps its spread: 1 - 0.15^2 = 0.9775; 0.987 in the table'),
      ]),
      atMost('true score of the plain sum', measured(base, 'naive', 'expected.gold'), 0),
    ];
  },
};
