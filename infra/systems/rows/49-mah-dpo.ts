/** MAH-DPO: a head for each objective */
import { atLeast, measured, type SystemRow } from '../system-row.js';

export const mahDpo: SystemRow = {
  row: 49,
  name: 'mah-dpo',
  system: 'MAH-DPO: a head for each objective',
  paper: '2510.01167',
  checked:
    'One policy with a head for each of two objectives, each learned from its own pairs; at decoding the heads\' logits are mixed. Each head against the other on its own objective, and both objectives over five mixtures.',
  reading: null,
  absent: 'Process reward models that guide decoding; language models. That a further objective leaves the other heads bit-identical does not hold here: pairs of all objectives share the minibatches.',
  short: true,
  check({ base }) {
    const values = [0, 1, 2, 3, 4].map((step) => ({ r1: measured(base, `mixed-${step}`, 'expected.r1'), r2: measured(base, `mixed-${step}`, 'expected.r2') }));
    const steps = values.slice(1).map((one, index) => ({ r1: (values[index] as { r1: number }).r1 - one.r1, r2: one.r2 - (values[index] as { r2: number }).r2 }));
    const [first, last] = [values[0], values[4]] as [{ r1: number; r2: number }, { r1: number; r2: number }];
    return [
      atLeast('first objective: its head minus the other', first.r1 - last.r1, 0.5),
      atLeast('second objective: its head minus the other', last.r2 - first.r2, 0.5),
      atLeast('least fall of the first objective from one mixture to the next', Math.min(...steps.map(({ r1 }) => r1)), 0),
      atLeast('least rise of the second', Math.min(...steps.map(({ r2 }) => r2)), 0),
    ];
  },
};
