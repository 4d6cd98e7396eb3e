/**
 * A move in tic-tac-toe: the prompt `x2o4xo789>` is a position with x to move, empty cells as their numbers, and asks for
 * `w9`: what the position is worth (w won, d drawn, l lost) and a cell. Only positions in which moves differ in value are
 * asked about, so that not every move is a best one. An exact solver grades, after the dimensions of Xiangqi-R1 (arXiv 2507.12215):
 * `format`; `legal` the cell is empty; `quality` 1 - (value of the position - value of the move) / 2, 0 where it is not
 * legal; `analysis` the value is the true one; and `optimal` the move keeps what the position is worth.
 */
import { afterMove, bestMoves, EMPTY_BOARD, isOver, movesOf, outcomeOf, outcomeOfMove, type Position } from '../tic-tac-toe.js';
import type { Draws } from '../draws.js';
import type { Prompt, TextTask } from './task.js';

const LETTERS = { 1: 'w', 0: 'd', [-1]: 'l' } as const;
const PLIES = { least: 2, most: 6 } as const;

/** After some legal moves at random; the game still goes on, and its moves differ in value. */
function drawnPosition(draws: Draws): Position {
  for (;;) {
    let position = EMPTY_BOARD;
    const plies = PLIES.least + draws.index(PLIES.most - PLIES.least + 1);
    for (let ply = 0; ply < plies && !isOver(position); ply++) position = afterMove(position, draws.pick(movesOf(position)));
    if (!isOver(position) && bestMoves(position).length < movesOf(position).length) return position;
  }
}

export function boardGame({ flaws }: { readonly flaws: number }): TextTask {
  return {
    alphabet: 'xo>wdl123456789',
    promptCharactersMax: 10,
    prompt(draws): Prompt {
      const position = drawnPosition(draws);
      return { text: `${[...position].map((cell, index) => (cell === '.' ? index + 1 : cell)).join('')}>`, truth: { position } };
    },
    /** A flawed one guesses the value and makes any legal move, or one time in eight any move at all. */
    demonstration({ truth }, draws) {
      const { position } = truth as unknown as { readonly position: Position };
      if (draws.uniform() >= flaws) return `${LETTERS[outcomeOf(position)]}${draws.pick(bestMoves(position)) + 1}`;
      const cell = draws.uniform() < 1 / 8 ? draws.index(9) : draws.pick(movesOf(position));
      return `${draws.pick(Object.values(LETTERS))}${cell + 1}`;
    },
    rewards: ['format', 'legal', 'quality', 'analysis', 'optimal'],
    grade(completion, truth) {
      const { position } = truth as unknown as { readonly position: Position };
      const cell = Number(/[1-9]/.exec(completion)?.[0] ?? 0) - 1;
      const legal = position[cell] === '.';
      const value = outcomeOf(position);
      const lost = legal ? value - outcomeOfMove(position, cell) : 2;
      const analysis = /[wdl]/.exec(completion)?.[0] === LETTERS[value];
      return [/^[wdl][1-9]$/.test(completion) ? 1 : 0, legal ? 1 : 0, 1 - lost / 2, analysis ? 1 : 0, lost === 0 ? 1 : 0];
    },
  };
}
