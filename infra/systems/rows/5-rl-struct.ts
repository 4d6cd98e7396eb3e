/** RL-Struct: five rewards of structured output, of which validity is learned before the values are right. */
import { atLeast, measured, reported, type SystemRow } from '../system-row.js';
import { firstVersionAbove } from '../learning-curve.js';

export const rlStruct: SystemRow = {
  row: 5,
  name: 'rl-struct',
  system: 'RL-Struct: structured output by a weighted sum of five rewards and GRPO',
  paper: '2512.00319',
  checked:
    'A small transformer writes recipes as JSON, warm-started on demonstrations of which four in five are flawed (mostly a missing comma), then trained by GRPO on struct, format, valid, correct and length; and the same job without the reward for validity. Validity of completions of held-out prompts, and the first version from which a component stays at 0.8 on average over ten versions (none within the run counts as the version after its end).',
  reading: 'The weights, and the five graders for this task: `correct` looks for each key with its value in the text, so that only `valid` asks whether the whole parses; `length` is brevity. The flaws of the demonstrations, the grader `correct` and the weight of brevity were chosen after a first try that did not show the order of learning; one seed.',
  absent: 'The language model and the schemas of the paper.',
  short: false,
  variants: { 'without-valid': { combine: { weights: { valid: 0 } } } },
  check({ base, 'without-valid': without }) {
    const valid = measured(base, 'policy', 'return.valid');
    const [validFrom, correctFrom] = ['reward.valid', 'reward.correct'].map((name) => firstVersionAbove(base, name, 0.8)) as [number, number];
    return [
      atLeast('share of valid completions', valid, 0.9),
      reported('share of their values that are right', measured(base, 'policy', 'return.correct')),
      reported('version from which validity is above 0.8', validFrom),
      atLeast('versions by which validity is above 0.8 before correctness', correctFrom - validFrom, 1),
      atLeast('validity lost without its reward', valid - measured(without, 'policy', 'return.valid'), 0.15),
    ];
  },
};
