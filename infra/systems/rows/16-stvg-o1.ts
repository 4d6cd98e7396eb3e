/** STVG-o1: interval and box, thought and said, graded by geometry. */
import { textTask } from '../../../workers/text/tasks/registry.js';
import { atLeast, exactly, measured, reported, type SystemRow } from '../system-row.js';

const TRUTH = { from: 2, to: 5, x: 0, y: 0, w: 2, h: 2 };

function grade(text: string, name: string): number {
  const task = textTask({ name: 'tracks', flaws: 0 });
  return task.grade(text, TRUTH)[task.rewards.indexOf(name)] as number;
}

export const stvg: SystemRow = {
  row: 16,
  name: 'stvg-o1',
  system: 'STVG-o1: format, consistency, temporal IoU and GIoU - L1 of thought and answer, with a bonus where the answer is better',
  paper: '2511.21375',
  checked: 'A small transformer writes the interval and box of a prompt twice, first thought and then said, warm-started on demonstrations whose numbers are off, then trained by GRPO: temporal IoU on held-out prompts before and after. The spatial score on hand-computed boxes, and where no moment is shared.',
  reading: 'R_c is 1 where thought and answer name the same interval: its form was not found. Boxes do not move, so that the mean over shared moments is the score of one. The share of flawed demonstrations and the warm start were chosen after a first try that gained 0.154; one seed.',
  absent: 'Video; the tube of boxes that move.',
  short: false,
  check({ base }) {
    const before = base?.evaluations.find((one) => one.suite === 'policy' && one.policyVersion === 0)?.means['return.tiou']?.mean ?? NaN;
    const after = measured(base, 'policy', 'return.tiou');
    return [
      exactly('score of a box that is off by one in x', grade('<t>2-5:1,0,2,2</t><p>2-5:0,0,2,2</p>', 'think'), 1 / 3 - 0.025, 1e-6),
      exactly('score where no moment is shared', grade('<t>7-8:0,0,2,2</t><p>7-8:0,0,2,2</p>', 'predict'), 0),
      reported('temporal IoU after the warm start', before),
      reported('temporal IoU at the end', after),
      atLeast('temporal IoU gained', after - before, 0.2),
    ];
  },
};
