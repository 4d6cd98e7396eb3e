/** What a reward of single steps cannot say, and a reward machine can. */
import { atLeast, atMost, measured, type SystemRow } from '../system-row.js';

export const expressivity: SystemRow = {
  row: 35,
  name: 'expressivity',
  system: 'Expressivity of objective formalisms: A, then B',
  paper: '2310.11840',
  checked:
    'A corridor with A at one end and B at the other; the task is to stand on A and, after that, on B; only the own place is seen, and the policy has no memory. A reward machine pays for the task and its state is shown to the policy; against the same machine whose state is not shown, and against a reward of single steps (1 at each of the ends, the episode going on). Share of episodes that succeed, on the same 128 evaluation seeds.',
  reading: 'A corridor, in which the way from A to B leads back: in a room, a policy without memory can walk in circles and so visit both in order.',
  absent:
    'The preorder of the seventeen formalisms. Compiled for each trajectory: Markov rewards, reward machines, finite-trace temporal logic, inner nonlinear and vector rewards, functionals of a trajectory; unbounded liveness and bare orderings of policies, lotteries or occupancies have no form in a job and are refused as unknown keys or by LAUREL_JOB_INVALID.',
  short: false,
  variants: {
    'state-hidden': { sources: { order: { show: false } } },
    'single-steps': { sources: { order: null, a: { kind: 'env', component: 'atA' }, b: { kind: 'env', component: 'atB' } }, combine: { weights: { order: null, a: 1, b: 1 } } },
  },
  check({ base, 'state-hidden': hidden, 'single-steps': single }) {
    return [
      atLeast('success with the state of the machine', measured(base, 'policy', 'success'), 0.98),
      atMost('success with a reward of single steps', measured(single, 'policy', 'success'), 0.5),
      atLeast('success gained by showing the state', measured(base, 'policy', 'success') - measured(hidden, 'policy', 'success'), 0.3),
    ];
  },
};
