/** ONI: a language model's labels of messages, distilled online into an intrinsic reward. */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';

export const oni: SystemRow = {
  row: 20,
  name: 'oni',
  system: 'ONI: online intrinsic rewards from language model feedback',
  paper: '2410.23022',
  checked:
    'A sparse goal behind a locked door in a grid world, with retrieval of labels, episodic count decay of exponent 3 and V-trace PPO, against the same job with the weight of the labels at 0: success of the final policy on the same evaluation seeds, and the share of transitions whose reward was known when the last version was trained.',
  reading: null,
  absent: 'NetHack and a language model: this row labels by rule (5 % of answers wrong, 20 ms each); `examples/nethack-oni.json` and `examples/grid-world.json` ask a model. That no rollout waits for the annotator is shown by the faults tests, not here.',
  short: false,
  variants: { 'labels-weigh-nothing': { combine: { weights: { helpful: 0 } } } },
  check({ base, 'labels-weigh-nothing': without }) {
    const gain = measured(base, 'policy', 'success') - measured(without, 'policy', 'success');
    const masked = base?.metrics.at(-1)?.values['masked.helpful'] ?? 1;
    return [
      reported('success with labels', measured(base, 'policy', 'success')),
      atLeast('success gained over weight 0', gain, 0.2),
      atLeast('share of transitions whose reward was known at the end', 1 - masked, 0.95),
    ];
  },
};
