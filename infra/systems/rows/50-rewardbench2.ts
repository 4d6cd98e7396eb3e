/** RewardBench 2: best of four and ties */
import { exactly, measured, reported, within, type SystemRow } from '../system-row.js';

/** Two right answers and a wrong one, and the reference with one right and one wrong, as a job of their own. */
function ties(tied: readonly [number, number, number], reference: readonly [number, number]): Readonly<Record<string, unknown>> {
  const table = { columns: { score: [...tied, ...reference], correct: [1, 1, 0, 1, 0] }, lists: [[0, 3], [3, 2]] };
  return {
    data: { kind: 'inline', tables: { ties: table } },
    sources: { random: null, good: null, score: { kind: 'column', column: 'score' } },
    evaluate: { random: null, good: null, ties: { kind: 'ties', of: 'score', on: 'ties' } },
  };
}

export const rewardbench2: SystemRow = {
  row: 50,
  name: 'rewardbench2',
  system: 'RewardBench 2: best of four and ties',
  paper: '2506.01937',
  checked:
    'Evaluation only: a judge that answers at random over 4,000 lists of one right and three wrong answers, and the ties score of three hand-made cases: all right with no spread, right but spread, all wrong.',
  reading: null,
  absent: 'The data of the benchmark and its mean over domains.',
  short: true,
  variants: {
    'all-right': ties([5, 5, 1], [5, 1]),
    'right-but-spread': ties([5, 2, 1.6], [5, 1]),
    'all-wrong': ties([1, 0.9, 5], [1, 5]),
  },
  check({ base, 'all-right': right, 'right-but-spread': spread, 'all-wrong': wrong }) {
    return [
      within('best of four of a random judge', measured(base, 'random', 'accuracy'), 0.22, 0.28),
      exactly('ties score, all right', measured(right, 'ties', 'score'), 1.01, 1e-6),
      exactly('ties score, right but spread (0.6 + 0.01 tanh(0.4 / 3 - 1))', measured(spread, 'ties', 'score'), 0.593, 5e-4),
      exactly('ties score, all wrong', measured(wrong, 'ties', 'score'), -0.01, 1e-4),
      reported('best of four of a judge with little noise', measured(base, 'good', 'accuracy')),
    ];
  },
};
