/** RewardAnything: a principle in words decides what a listwise judge scores. */
import { atLeast, atMost, exactly, measured, reported, type SystemRow } from '../system-row.js';

export const rewardAnything: SystemRow = {
  row: 30,
  name: 'reward-anything',
  system: 'RewardAnything: scores of a whole list by a principle in words',
  paper: '2506.03637',
  checked:
    'Evaluation only: a scripted judge reads a principle, sees 400 lists of five answers under masked names in a drawn order, and writes a score from 1 to 5 for each name. Rank agreement between two opposite principles on the same answers, and the largest change of a score where the candidates are shown in another order.',
  reading: 'A principle is read by rule: names of criteria after "prefer" and "avoid". Scores are a straight line from the worst of a list to its best, rounded.',
  absent: 'A language model as judge (the source `judge` asks one about lists, docs/jobs.md) and its training by GRPO; RABench.',
  short: true,
  check({ base }) {
    return [
      atMost('Kendall tau between two opposite principles', measured(base, 'opposite', 'kendall'), -0.5),
      exactly('largest change of a score in another order', measured(base, 'reordered', 'largestDifference'), 0),
      exactly('rank agreement in another order', measured(base, 'reordered', 'kendall'), 1, 1e-12),
      atLeast('rank agreement of the scores with one criterion that is preferred', measured(base, 'followed', 'kendall'), 0.2),
      reported('Kendall tau between two principles that have nothing to do with each other', measured(base, 'unrelated', 'kendall')),
    ];
  },
};
