/** Two verdicts on each of the same questions, whatever the verdicts are called. Pure. */

export interface VerdictPair {
  readonly text: string;
  readonly a: string;
  readonly b: string;
  /** How far apart the probabilities are, in [0, 1]: what differs most is shown first. */
  readonly distance: number;
}

export interface Comparison {
  readonly count: number;
  /** Share of equal verdicts; null: nothing was compared. */
  readonly agreement: number | null;
  /** Cohen 1960 over any number of verdicts: (p_o - p_e) / (1 - p_e), p_e = sum over verdicts of the product of both shares; null also where p_e is 1. */
  readonly kappa: number | null;
  /** How often `a` said the first name and `b` the second. */
  readonly confusion: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Questions with two verdicts, the farthest apart first. */
  readonly differing: readonly VerdictPair[];
}

/** @param names all verdicts that there are, in the order in which they are shown */
export function compareVerdicts(pairs: readonly VerdictPair[], names: readonly string[]): Comparison {
  const confusion = Object.fromEntries(names.map((a) => [a, Object.fromEntries(names.map((b) => [b, 0]))]));
  for (const { a, b } of pairs) confusion[a]![b]! += 1;
  const count = pairs.length;
  const differing = pairs.filter(({ a, b }) => a !== b).sort((x, y) => y.distance - x.distance || (x.text < y.text ? -1 : 1));
  if (count === 0) return { count, agreement: null, kappa: null, confusion, differing };
  const agreement = (count - differing.length) / count;
  const shareOf = (side: 'a' | 'b', name: string): number => pairs.filter((pair) => pair[side] === name).length / count;
  const expected = names.reduce((sum, name) => sum + shareOf('a', name) * shareOf('b', name), 0);
  return { count, agreement, kappa: expected === 1 ? null : (agreement - expected) / (1 - expected), confusion, differing };
}
