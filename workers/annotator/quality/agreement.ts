/** How far a judge agrees with labels that are taken for true: confusion, kappa, AUC, calibration. Pure. */

export interface Compared {
  /** What is taken for true. */
  readonly positive: boolean;
  /** The judge's probability that the message is helpful, in [0, 1]. */
  readonly probability: number;
}

export interface Confusion {
  readonly truePositive: number;
  readonly falsePositive: number;
  readonly falseNegative: number;
  readonly trueNegative: number;
}

/** Messages whose probability lies in [from, from + 0.1); 1 belongs to the last. */
export interface ReliabilityBin {
  readonly from: number;
  readonly count: number;
  /** Means over the bin; null where it is empty. */
  readonly probability: number | null;
  readonly positiveShare: number | null;
}

export interface Agreement {
  readonly count: number;
  readonly positives: number;
  readonly confusion: Confusion;
  /** Share of equal verdicts; null where nothing was compared, as in all that follows. */
  readonly accuracy: number | null;
  /** Cohen 1960: (p_o - p_e) / (1 - p_e); null also where chance alone agrees always. */
  readonly kappa: number | null;
  /** Chance that a positive message has a higher probability than a negative one, ties half; null without both. */
  readonly auc: number | null;
  /** Mean of (probability - truth) squared (Brier 1950). */
  readonly brier: number | null;
  /** Expected calibration error over the bins: sum of count / n * |share of positives - mean probability| (Guo et al. 2017, eq. 3). */
  readonly ece: number | null;
  readonly bins: readonly ReliabilityBin[];
}

const BINS = 10;

/** @param threshold a probability above it is a positive verdict */
export function agreementOf(compared: readonly Compared[], threshold: number): Agreement {
  const count = compared.length;
  const confusion = confusionOf(compared, threshold);
  const positives = confusion.truePositive + confusion.falseNegative;
  const bins = binsOf(compared);
  if (count === 0) return { count, positives, confusion, accuracy: null, kappa: null, auc: null, brier: null, ece: null, bins };
  return {
    count,
    positives,
    confusion,
    accuracy: (confusion.truePositive + confusion.trueNegative) / count,
    kappa: kappaOf(confusion),
    auc: aucOf(compared),
    brier: compared.reduce((sum, one) => sum + (one.probability - (one.positive ? 1 : 0)) ** 2, 0) / count,
    ece: bins.reduce((sum, bin) => sum + (bin.count / count) * Math.abs((bin.positiveShare ?? 0) - (bin.probability ?? 0)), 0),
    bins,
  };
}

export function confusionOf(compared: readonly Compared[], threshold: number): Confusion {
  const counts = { truePositive: 0, falsePositive: 0, falseNegative: 0, trueNegative: 0 };
  for (const { positive, probability } of compared) {
    if (probability > threshold) counts[positive ? 'truePositive' : 'falsePositive'] += 1;
    else counts[positive ? 'falseNegative' : 'trueNegative'] += 1;
  }
  return counts;
}

/** Cohen's kappa of two verdicts on the same messages. */
export function kappaOf({ truePositive, falsePositive, falseNegative, trueNegative }: Confusion): number | null {
  const count = truePositive + falsePositive + falseNegative + trueNegative;
  if (count === 0) return null;
  const observed = (truePositive + trueNegative) / count;
  const yes = ((truePositive + falseNegative) / count) * ((truePositive + falsePositive) / count);
  const no = ((falsePositive + trueNegative) / count) * ((falseNegative + trueNegative) / count);
  const expected = yes + no;
  return expected === 1 ? null : (observed - expected) / (1 - expected);
}

/** From ranks (Mann-Whitney), so that 100,000 messages cost a sort. */
function aucOf(compared: readonly Compared[]): number | null {
  const positives = compared.filter((one) => one.positive).length;
  const negatives = compared.length - positives;
  if (positives === 0 || negatives === 0) return null;
  const sorted = [...compared].sort((a, b) => a.probability - b.probability);
  let rankSum = 0;
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (to < sorted.length && (sorted[to] as Compared).probability === (sorted[from] as Compared).probability) to++;
    // Ranks from + 1 to `to` are shared by those that tie.
    const rank = (from + 1 + to) / 2;
    for (let at = from; at < to; at++) if ((sorted[at] as Compared).positive) rankSum += rank;
    from = to;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

function binsOf(compared: readonly Compared[]): ReliabilityBin[] {
  const sums = Array.from({ length: BINS }, () => ({ count: 0, probability: 0, positive: 0 }));
  for (const { positive, probability } of compared) {
    const bin = sums[Math.min(BINS - 1, Math.floor(probability * BINS))];
    if (bin === undefined) continue;
    bin.count += 1;
    bin.probability += probability;
    bin.positive += positive ? 1 : 0;
  }
  return sums.map(({ count, probability, positive }, index) => ({
    from: index / BINS,
    count,
    probability: count === 0 ? null : probability / count,
    positiveShare: count === 0 ? null : positive / count,
  }));
}
