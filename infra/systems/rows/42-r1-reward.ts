/** R1-Reward: a judge that is trained by StableReinforce, and rewarded for a verdict that follows from its thought. */
import { textTask } from '../../../workers/text/tasks/registry.js';
import { outlierEffect } from '../outlier-ratio.js';
import { atLeast, atMost, before, exactly, measured, reported, type SystemRow } from '../system-row.js';

const PAIR = { sum: '3+5', answers: [7, 8], right: 1 };
const RATIO = 1e6;

function grade(text: string, name: string): number {
  const task = textTask({ name: 'judging', flaws: 0 });
  return task.grade(text, PAIR)[task.rewards.indexOf(name)] as number;
}

export const r1Reward: SystemRow = {
  row: 42,
  name: 'r1-reward',
  system: 'R1-Reward: a judge trained by StableReinforce on 0.5 format + accuracy (1 + 0.5 consistency)',
  paper: '2505.02835',
  checked:
    'A small transformer thinks the sum of a prompt and who says so, and then names the right one of two answers, warm-started on demonstrations of which half are flawed, then trained by StableReinforce: accuracy and consistency of thought and verdict on held-out prompts, before and after. The reward of hand-made verdicts; and the gradient of the real loss where the ratio of one token of a bad completion is 1e6, against the median of drawn batches without it.',
  reading: 'Consistency is whether the thought speaks for the verdict (1), for the other answer (-1) or for none (0). The sums, the share of flaws and the warm start were chosen after first tries in which the accuracy stayed at chance; one seed. The gradient is that by the log-probabilities of the tokens. The filter tests |A - mean| > 3 deviations, as the paper says; its released code tests otherwise.',
  absent: 'Images, the multimodal language model, and a judge of consistency: it can be read off here.',
  short: false,
  async check({ base }) {
    const stable = await outlierEffect('stable-reinforce', RATIO);
    const plain = await outlierEffect('grpo', RATIO);
    const [acc, consistent] = [measured(base, 'policy', 'return.acc'), measured(base, 'policy', 'return.consistent')];
    return [
      exactly('reward for a right verdict that its thought speaks for', grade('<t>8B</t>[B]', 'judged'), 1.5),
      exactly('the same where the thought speaks for the other answer: half of 1', grade('<t>7A</t>[B]', 'judged'), 0.5),
      exactly('the same where it speaks for neither', grade('<t>6</t>[B]', 'judged'), 1),
      exactly('reward for a wrong verdict, however consistent', grade('<t>7A</t>[A]', 'judged'), 0),
      exactly('loss with a ratio of 1e6 is a number (1 yes)', Number.isFinite(stable.loss) ? 1 : 0, 1),
      atMost('gradient norm with a ratio of 1e6 by the median norm, StableReinforce', stable.normByMedian, 10),
      atLeast('the same with the clip alone', plain.normByMedian, 10),
      reported('accuracy after the warm start', before(base, 'return.acc')),
      reported('accuracy at the end', acc),
      atLeast('accuracy gained', acc - before(base, 'return.acc'), 0.1),
      atLeast('consistency gained', consistent - before(base, 'return.consistent'), 0.1),
    ];
  },
};
