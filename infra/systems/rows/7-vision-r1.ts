/** Vision-R1: boxes paired for the greatest IoU, counted by a rule that becomes stricter on the way. */
import { scheduledAt, type ScheduleSpec } from '../../../proto/reward-weights.js';
import { progressive } from '../../../workers/text/tasks/boxes.js';
import { textTask } from '../../../workers/text/tasks/registry.js';
import { atLeast, before, exactly, measured, reported, type StoredRun, type SystemRow } from '../system-row.js';

/** 4 x 4 against 4 x 5: IoU 0.8. */
const TRUTH = [{ x: 0, y: 0, w: 4, h: 4 }];
const MADE = '[0,0,4,5]';

function weightsOf(run: StoredRun | undefined): Readonly<Record<string, number | ScheduleSpec>> {
  return (run?.job['combine'] as { readonly weights: Readonly<Record<string, number | ScheduleSpec>> }).weights;
}

/** The version from which the stricter rule counts, as the run's job has it. */
function switchOf(run: StoredRun | undefined): number {
  const schedule = weightsOf(run)['recall-2'];
  if (typeof schedule !== 'object') throw new Error('expected a schedule as weight of recall-2');
  return (schedule.points[1] as readonly [number, number])[0];
}

/** Reward of the same boxes, made by a policy of that version. */
function rewardAt(run: StoredRun | undefined, version: number): number {
  const task = textTask({ name: 'boxes', flaws: 0 });
  const weights = weightsOf(run);
  return task.grade(MADE, TRUTH).reduce((sum, grade, index) => sum + grade * scheduledAt(weights[task.rewards[index] as string] ?? 0, version), 0);
}

/** The evaluation of the first version that was reached at or after one. */
function iouFrom(run: StoredRun | undefined, version: number): number {
  const last = Math.max(...(run?.evaluations ?? []).map((one) => one.policyVersion ?? -1));
  const found = run?.evaluations.filter((one) => (one.policyVersion ?? -1) >= version && one.policyVersion !== last).sort((a, b) => (a.policyVersion as number) - (b.policyVersion as number))[0]?.means['return.iou']?.mean;
  if (found === undefined) throw new Error(`expected an evaluation at version ${version} or later, before the last one, of ${run?.run ?? 'a run that is missing'}`);
  return found;
}

export const visionR1: SystemRow = {
  row: 7,
  name: 'vision-r1',
  system: 'Vision-R1: format, recall and precision of boxes, counted by a rule that becomes stricter',
  paper: '2503.18013',
  checked:
    'A small transformer writes the one or two boxes of a prompt, warm-started on demonstrations whose numbers are off, then trained by GRPO: half of the versions with the bounds 0.5 and 0.75, then with 0.75 and 0.9. Which rule holds follows from the version that made a completion, so the switch is in the stored rewards. Mean IoU on held-out prompts after each half; the rule, and the reward of the same boxes at both sides of the switch, by hand.',
  reading: 'The switch is at half of the versions instead of 1,500 steps. Boxes are paired for the greatest sum of IoU by trying all pairings.',
  absent: 'Images and the vision language model.',
  short: false,
  check({ base }) {
    const at = switchOf(base);
    const [first, second] = [iouFrom(base, at), measured(base, 'policy', 'return.iou')];
    return [
      exactly('f(0.49), bounds 0.5 and 0.75', progressive(0.49, 0.5, 0.75), 0),
      exactly('f(0.6), bounds 0.5 and 0.75', progressive(0.6, 0.5, 0.75), 0.6),
      exactly('f(0.8), bounds 0.5 and 0.75', progressive(0.8, 0.5, 0.75), 1),
      exactly('f(0.8), bounds 0.75 and 0.9', progressive(0.8, 0.75, 0.9), 0.8),
      exactly('reward of boxes with IoU 0.8 by the version before the switch', rewardAt(base, at - 1), 3),
      exactly('reward of the same boxes by the version of the switch', rewardAt(base, at), 2.6, 1e-9),
      reported('version of the switch', at),
      reported('mean IoU after the warm start', before(base, 'return.iou')),
      reported('mean IoU after the first stage', first),
      reported('mean IoU after the second stage', second),
      atLeast('mean IoU gained in the second stage', second - first, 0),
    ];
  },
};
