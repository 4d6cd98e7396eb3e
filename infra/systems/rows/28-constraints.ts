/** Direct behaviour specification: a bound in natural units, kept by a multiplier. */
import { atLeast, atMost, measured, measuredUntrained, reported, type SystemRow } from '../system-row.js';

export const constraints: SystemRow = {
  row: 28,
  name: 'constraints',
  system: 'Effective reward specification: behaviour bounded in its own units',
  paper: '2412.07177',
  checked:
    'A mass on a table is paid for being near a place; a disc lies across the straight way there. The job says that at most 5 % of steps are spent in the disc; a multiplier keeps the bound. Against the same job without the bound: share of steps in the disc and return of the final policies, on the same 128 evaluation seeds.',
  reading: 'The constraint is one indicator, and its multiplier is not normalised; thesis and papers also normalise several of them by a softmax, which `normalise` does.',
  absent: 'Imitation and goal conditioning, which the thesis also treats.',
  short: false,
  variants: { 'without-bound': { combine: { op: 'linear', weights: { near: 1 } } } },
  check({ base, 'without-bound': without }) {
    const kept = measured(base, 'policy', 'return') / measured(without, 'policy', 'return');
    return [
      reported('return, untrained', measuredUntrained(base, 'policy', 'return')),
      reported('return without the bound', measured(without, 'policy', 'return')),
      atLeast('share of steps in the zone without the bound', measured(without, 'policy', 'zoneShare'), 0.08),
      atMost('share of steps in the zone', measured(base, 'policy', 'zoneShare'), 0.06),
      atLeast('return, as a share of that without the bound', kept, 0.9),
    ];
  },
};
