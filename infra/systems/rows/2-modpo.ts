/** MODPO: preference optimisation with a margin from the other objectives */
import { atMost, exactly, measured, reported, type SystemRow } from '../system-row.js';

export const modpo: SystemRow = {
  row: 2,
  name: 'modpo',
  system: 'MODPO: preference optimisation with a margin from the other objectives',
  paper: '2310.03708',
  checked:
    'A tabular policy over 6 answers with two objectives that pull against each other, for three weights of the first (0.2, 0.5, 0.8): divergence from the known optimum reference x exp(sum of w r / beta), and that no policy of the three is worse than another on both objectives.',
  reading: null,
  absent: 'Language models; the reward models of the other objectives are known columns here, and all pairs have their exact preference probabilities.',
  short: true,
  check({ base }) {
    const names = ['w2', 'w5', 'w8'];
    const values = names.map((name) => ({ r1: measured(base, name, 'expected.r1'), r2: measured(base, name, 'expected.r2') }));
    const dominated = values.filter((one) => values.some((other) => other !== one && other.r1 >= one.r1 && other.r2 >= one.r2)).length;
    return [
      ...names.map((name) => atMost(`divergence from the optimum at weight 0.${name.slice(1)}, nats`, Math.abs(measured(base, name, 'divergence.optimum')), 1e-6)),
      exactly('policies that another one dominates', dominated, 0),
      ...names.map((name, index) => reported(`expected r1 at weight 0.${name.slice(1)}`, (values[index] as { r1: number }).r1)),
    ];
  },
};
