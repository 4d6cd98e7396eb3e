/** Ideas whose novelty, feasibility and effectiveness are weighed as each request asks. */
import { NOVELTY_TENTHS } from '../../../workers/text/tasks/ideas.js';
import { atLeast, measured, reported, type StoredRun, type SystemRow } from '../system-row.js';

const at = (run: StoredRun | undefined, score: string): number[] => NOVELTY_TENTHS.map((tenths) => measured(run, 'policy', `return.${score}@novelty-${tenths}`));
const leastRise = (values: readonly number[]): number => Math.min(...values.slice(1).map((value, index) => value - (values[index] as number)));

export const controlledIdeas: SystemRow = {
  row: 10,
  name: 'controlled-ideas',
  system: 'Research ideas with dynamic control: three rewards whose weights each request brings along',
  paper: '2412.14626',
  checked:
    'A small transformer imitates ideas that heed no control, then learns from novelty, feasibility and effectiveness, weighed as the prompt asks. One policy, four settings of the weight of novelty (0.2 to 0.8) at inference on held-out prompts: novelty has to rise from each to the next, and feasibility to fall.',
  reading: 'GRPO instead of PPO. The three reward models are rules on six letters; the weight of feasibility is 1 less that of novelty, that of effectiveness 0.2. Nine letters in ten of a demonstration are of the field: at one half, imitation does not learn to see the field, and no number of updates that was tried taught the control. Demonstrations, four passes over a batch and the step size were chosen in eleven tries (one pass: .10 between the ends after 200 updates, not monotone). One seed.',
  absent: 'Research papers, a language model, reward models that were fitted, and the decoder that weighs each sentence anew: one weight holds for a whole idea.',
  short: false,
  check({ base }) {
    const [novelty, feasibility] = [at(base, 'novelty'), at(base, 'feasibility')];
    return [
      ...NOVELTY_TENTHS.map((tenths, index) => reported(`novelty where 0.${tenths} is asked for`, novelty[index] as number)),
      atLeast('least rise of novelty from one setting to the next', leastRise(novelty), 0),
      atLeast('novelty at 0.8 minus that at 0.2', (novelty[3] as number) - (novelty[0] as number), 0.1),
      ...NOVELTY_TENTHS.map((tenths, index) => reported(`feasibility where 0.${tenths} of novelty is asked for`, feasibility[index] as number)),
      atLeast('least fall of feasibility from one setting to the next', leastRise(feasibility.map((value) => -value)), 0),
    ];
  },
};
