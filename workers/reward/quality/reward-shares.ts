/** Which messages a source pays for, and what looks as if the policy had found a hole in it. Pure. */
import type { Interval, RewardWarning } from '../../../proto/quality.js';

/** What one message paid over some transitions. */
export interface Payment {
  readonly key: string;
  /** Sum of the rewards that followed it; negative where it costs. */
  readonly paid: number;
  readonly count: number;
}

export interface RewardShares {
  /** Transitions with a message. */
  readonly observations: number;
  /** Of these, with a known value. */
  readonly known: number;
  /** Sum of positive payments: what shares refer to. */
  readonly paid: number;
  /** Messages that pay, most first. */
  readonly top: readonly (Payment & { readonly share: number })[];
  /** Messages that pay anything. */
  readonly paying: number;
}

export interface PaidTransition {
  readonly key: string;
  readonly value: number;
  /** False: unknown, paid nothing. */
  readonly known: boolean;
}

/** Sums rewards by message. */
export class PaymentCounter {
  private readonly sums = new Map<string, { paid: number; count: number }>();
  private observations = 0;
  private known = 0;

  add({ key, value, known }: PaidTransition): void {
    this.observations += 1;
    if (!known) return;
    this.known += 1;
    const entry = this.sums.get(key) ?? { paid: 0, count: 0 };
    entry.paid += value;
    entry.count += 1;
    this.sums.set(key, entry);
  }

  shares(shown: number): RewardShares {
    const paying = [...this.sums].map(([key, entry]) => ({ key, ...entry })).filter(({ paid }) => paid > 0);
    const paid = paying.reduce((total, one) => total + one.paid, 0);
    const top = paying.sort((a, b) => b.paid - a.paid || (a.key < b.key ? -1 : 1)).slice(0, shown).map((one) => ({ ...one, share: one.paid / paid }));
    return { observations: this.observations, known: this.known, paid, top, paying: paying.length };
  }
}

/** Payments that a warning rests on at least: of three payments one is always large. */
export const PAYMENTS_MIN = 100;

export function shareWarning(source: string, shares: RewardShares, shareMax: number): RewardWarning | undefined {
  const most = shares.top[0];
  const payments = shares.top.reduce((total, one) => total + one.count, 0);
  if (most === undefined || payments < PAYMENTS_MIN || !(most.share > shareMax)) return undefined;
  return { kind: 'one-message', source, key: most.key, share: most.share, shareMax };
}

/** Share of the curve at each end whose means are compared. */
const END_SHARE = 0.2;

/**
 * @param rewards the source's mean reward for a transition, in the order of versions
 * @param evaluations the environment's own return in the order of versions, one metric
 */
export function apartWarning(source: string, rewards: readonly number[], metric: string, evaluations: readonly Interval[]): RewardWarning | undefined {
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  const end = Math.floor(rewards.length * END_SHARE);
  if (first === undefined || last === undefined || first === last || end === 0) return undefined;
  const early = rewards.slice(0, end);
  const late = rewards.slice(-end);
  const rise = meanOf(late) - meanOf(early);
  const noise = 1.96 * Math.sqrt(varianceOf(early) / early.length + varianceOf(late) / late.length);
  const fell = last.mean + last.halfWidth < first.mean - first.halfWidth;
  if (!(rise > noise) || !fell) return undefined;
  return { kind: 'apart-from-evaluation', source, metric, reward: [meanOf(early), meanOf(late)], evaluation: [first, last] };
}

const meanOf = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0) / values.length;

function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.length < 2 ? 0 : values.reduce((total, value) => total + (value - mean) ** 2, 0) / (values.length - 1);
}
