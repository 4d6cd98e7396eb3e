/** CRPO: accuracy, format and language of a boxed answer after an analysis. */
import { textTask } from '../../../workers/text/tasks/registry.js';
import { atLeast, before, exactly, measured, reported, type StoredRun, type SystemRow } from '../system-row.js';

const QUESTION = { sum: '3+4', answers: [6, 7, 9, 5], right: 1 };
/** What `format` is at most. */
const FORMAT_MOST = 1.5;

/** The reward of a text by the weights of the job. */
function reward(run: StoredRun | undefined, text: string): number {
  const { weights } = run?.job['combine'] as { readonly weights: Readonly<Record<string, number>> };
  const task = textTask({ name: 'multiple-choice', flaws: 0 });
  return task.grade(text, QUESTION).reduce((sum, grade, index) => sum + grade * (weights[task.rewards[index] as string] ?? 0), 0);
}

export const crpo: SystemRow = {
  row: 9,
  name: 'crpo',
  system: 'CRPO (Clinical-R1): 10 accuracy + format + 0.5 language of an answer in a box, with GRPO',
  paper: '2512.00601',
  checked:
    'A small transformer analyses a sum and puts one of four choices in a box, warm-started on demonstrations of which half are flawed, then trained by GRPO on the three rewards; and the same job with the reward for accuracy alone. Format (of its 1.5) and accuracy (share of right choices less what two boxes, open ones and none cost) on the same held-out prompts, and the reward of hand-made answers.',
  reading: 'The graders of form for this task: half a point for each pair of tags and for nothing besides them; language is the share of the analysis in digits, signs and names of choices. The form of the prompt, the share of flaws and the warm start were chosen after first tries in which the choice stayed at chance, with and without the rewards of form; one seed.',
  absent: 'The language model, the clinical questions, and the judgement of faithfulness and coverage: separate tags for analysis and conclusion stand for it.',
  short: false,
  variants: { 'accuracy-only': { combine: { weights: { format: 0, language: 0 } } } },
  check({ base, 'accuracy-only': alone }) {
    const [acc, accAlone] = [measured(base, 'policy', 'return.acc'), measured(alone, 'policy', 'return.acc')];
    return [
      exactly('reward of a perfect answer', reward(base, '<a>3+4=7</a><c>[B]</c>'), 12),
      exactly('reward of the right choice without its tags', reward(base, '[B]'), 10),
      exactly('reward of two boxes in the right form', reward(base, '<a>3+4=7</a><c>[A][B]</c>'), -20 + 2),
      reported('format after the warm start', before(base, 'return.format') / FORMAT_MOST),
      atLeast('format at the end', measured(base, 'policy', 'return.format') / FORMAT_MOST, 0.9),
      reported('format with the reward for accuracy alone', measured(alone, 'policy', 'return.format') / FORMAT_MOST),
      reported('accuracy after the warm start', before(base, 'return.acc')),
      reported('accuracy at the end', acc),
      atLeast('accuracy minus that of the reward for accuracy alone', acc - accAlone, 0),
    ];
  },
};
