/** Tic-tac-toe, solved: what each position is worth under best play of both. Cells are numbered row by row from 0. */

/** Nine characters: `x` the one to move, `o` the other, `.` empty. */
export type Position = string;

/** 1: the one to move wins, 0: a draw, -1: the other wins. */
export type Outcome = 1 | 0 | -1;

const LINES = [
  [0, 1, 2],
  [3, 4, 5],
  [6, 7, 8],
  [0, 3, 6],
  [1, 4, 7],
  [2, 5, 8],
  [0, 4, 8],
  [2, 4, 6],
] as const;
export const EMPTY_BOARD: Position = '.........';

export function movesOf(position: Position): number[] {
  return [...position].flatMap((cell, index) => (cell === '.' ? [index] : []));
}

/** Whether the stones `mark` stand in a line. */
export function hasLine(position: Position, mark: 'x' | 'o'): boolean {
  return LINES.some((line) => line.every((cell) => position[cell] === mark));
}

/** The position after a move, seen by the other one: it is theirs to move. */
export function afterMove(position: Position, cell: number): Position {
  const moved = `${position.slice(0, cell)}x${position.slice(cell + 1)}`;
  return moved.replace(/[xo]/g, (mark) => (mark === 'x' ? 'o' : 'x'));
}

export function isOver(position: Position): boolean {
  return hasLine(position, 'o') || hasLine(position, 'x') || !position.includes('.');
}

const known = new Map<Position, Outcome>();

/** Value of a position for the one to move, by searching to the end. */
export function outcomeOf(position: Position): Outcome {
  const found = known.get(position);
  if (found !== undefined) return found;
  const outcome = hasLine(position, 'o') ? -1 : !position.includes('.') ? 0 : (Math.max(...movesOf(position).map((cell) => outcomeOfMove(position, cell))) as Outcome);
  known.set(position, outcome);
  return outcome;
}

/** Value of a move for the one who makes it. */
export function outcomeOfMove(position: Position, cell: number): Outcome {
  return (0 - outcomeOf(afterMove(position, cell))) as Outcome;
}

/** The moves that keep what the position is worth. */
export function bestMoves(position: Position): number[] {
  return movesOf(position).filter((cell) => outcomeOfMove(position, cell) === outcomeOf(position));
}
