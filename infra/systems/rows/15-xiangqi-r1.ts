/** Xiangqi-R1: imitation of moves, then GRPO with an engine's view of them. */
import { atLeast, before, measured, reported, type SystemRow } from '../system-row.js';

export const xiangqiR1: SystemRow = {
  row: 15,
  name: 'xiangqi-r1',
  system: 'Xiangqi-R1: moves imitated, then GRPO on legality, the quality of moves by an engine, analysis and format',
  paper: '2507.12215',
  checked:
    'A small transformer plays tic-tac-toe, whose engine is an exact solver: it first imitates demonstrations of which half are guesses, then learns by GRPO. Positions are those whose moves differ in value, some of them held out: share of legal moves, of moves that keep what the position is worth, and of values that are told rightly, on held-out positions before and after.',
  reading: 'The weights and the forms of the four dimensions; quality is 1 less half of what the move gives away. One stage of imitation (moves and values together) instead of two. The share of guesses, the weights, and a board whose empty cells are written as their numbers were chosen after first tries, which gained .234 in best moves and ended at .957 legal ones on held-out positions: legality and best moves were not reached together. 300 versions were no better than these 100. One seed.',
  absent: 'Xiangqi, its engine, and annotations in words.',
  short: false,
  check({ base }) {
    const [optimal, optimalBefore] = [measured(base, 'policy', 'return.optimal'), before(base, 'return.optimal')];
    return [
      reported('share of legal moves after imitation', before(base, 'return.legal')),
      atLeast('share of legal moves at the end', measured(base, 'policy', 'return.legal'), 0.98),
      reported('share of best moves after imitation', optimalBefore),
      reported('share of best moves at the end', optimal),
      atLeast('best moves gained', optimal - optimalBefore, 0.2),
      reported('share of values told rightly after imitation', before(base, 'return.analysis')),
      reported('share of values told rightly at the end', measured(base, 'policy', 'return.analysis')),
    ];
  },
};
