/** Whether a judge stays the same: its positive rate over the log, and what it says of messages that differ in nothing. Pure. */

export interface Verdict {
  /** The message, as text. */
  readonly text: string;
  readonly probability: number;
}

/** Verdicts `from` to `to` (not included) in the order of the log. */
export interface RateWindow {
  readonly from: number;
  readonly to: number;
  readonly positive: number;
}

export interface Drift {
  readonly windows: readonly RateWindow[];
  /** Rates of the first and the second half of the log, and z = (p1 - p2) / sqrt(p (1 - p) (1 / n1 + 1 / n2)) with p of both; null where p is 0 or 1, or a half is empty. */
  readonly early: number | null;
  readonly late: number | null;
  readonly z: number | null;
}

export interface Disagreement {
  /** Groups of two or more messages with one normal form. */
  readonly groups: number;
  /** Messages in them. */
  readonly messages: number;
  /** Messages in them whose verdict is not that of most of their group (with a tie: half of the group). */
  readonly differ: number;
  /** Groups with both verdicts, the largest first. */
  readonly examples: readonly { readonly form: string; readonly positive: number; readonly count: number }[];
}

const WINDOWS = 20;
const WINDOW_MIN = 20;
const EXAMPLES_MAX = 10;

/** `verdicts` in the order of the log. A judge that is a function of the message can drift only in what it is asked: new messages differ from old ones. */
export function driftOf(verdicts: readonly Verdict[], threshold: number): Drift {
  const sums = [0];
  for (const { probability } of verdicts) sums.push((sums.at(-1) as number) + (probability > threshold ? 1 : 0));
  return driftOfSums(sums);
}

/** As `driftOf`. @param sums positive verdicts among the first n, for n from 0 on */
export function driftOfSums(sums: readonly number[]): Drift {
  const sum = (from: number, to: number): number => (sums[to] as number) - (sums[from] as number);
  const count = sums.length - 1;
  const windowCount = Math.min(WINDOWS, Math.floor(count / WINDOW_MIN));
  const windows = Array.from({ length: windowCount }, (_, index): RateWindow => {
    const from = Math.floor((index * count) / windowCount);
    const to = Math.floor(((index + 1) * count) / windowCount);
    return { from, to, positive: sum(from, to) };
  });
  const half = Math.floor(count / 2);
  if (half === 0) return { windows, early: null, late: null, z: null };
  const early = sum(0, half) / half;
  const late = sum(half, count) / (count - half);
  const share = sum(0, count) / count;
  const error = Math.sqrt(share * (1 - share) * (1 / half + 1 / (count - half)));
  return { windows, early, late, z: error === 0 ? null : (early - late) / error };
}

/** Case, blanks and numbers do not count: `$ - 5 gold pieces.` and `$ - 17 gold pieces.` are one form. */
export function normalForm(text: string): string {
  return text.toLowerCase().replace(/\d+/g, '#').replace(/\s+/g, ' ').trim();
}

export function disagreementOf(verdicts: readonly Verdict[], threshold: number): Disagreement {
  const groups = new Map<string, { positive: number; count: number }>();
  for (const { text, probability } of verdicts) {
    const form = normalForm(text);
    const group = groups.get(form) ?? { positive: 0, count: 0 };
    group.count += 1;
    group.positive += probability > threshold ? 1 : 0;
    groups.set(form, group);
  }
  const several = [...groups].filter(([, { count }]) => count > 1);
  const fewer = ({ positive, count }: { positive: number; count: number }): number => Math.min(positive, count - positive);
  return {
    groups: several.length,
    messages: several.reduce((total, [, { count }]) => total + count, 0),
    differ: several.reduce((total, [, group]) => total + fewer(group), 0),
    examples: several
      .filter(([, group]) => fewer(group) > 0)
      .sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1))
      .slice(0, EXAMPLES_MAX)
      .map(([form, { positive, count }]) => ({ form, positive, count })),
  };
}
