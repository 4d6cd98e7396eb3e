/** How good labels and rewards are, as a run knows it: results of activities, parts of its status and of its summary. Plain JSON. */

/** Verdicts of a judge against labels that are taken for true; null: cannot be said of so few. */
export interface AgreementFigures {
  /** Messages of the labelled set, and those of them that the judge has answered. */
  readonly of: number;
  readonly count: number;
  readonly positives: number;
  readonly accuracy: number | null;
  /** Cohen's kappa: accuracy beyond chance. */
  readonly kappa: number | null;
  readonly auc: number | null;
  /** Mean squared error of the probability. */
  readonly brier: number | null;
  /** Expected calibration error. */
  readonly ece: number | null;
}

/** Share of positive verdicts in the first and in the second half of the log, and their difference in standard errors. */
export interface DriftFigures {
  readonly early: number | null;
  readonly late: number | null;
  readonly z: number | null;
}

/** What an annotator's log says of its judge, up to a position. */
export interface LabelQuality {
  /** Null: the job names no labelled set. */
  readonly agreement: AgreementFigures | null;
  readonly drift: DriftFigures;
}

export interface Interval {
  readonly mean: number;
  readonly halfWidth: number;
}

export type RewardWarning =
  /** One message pays more than `shareMax` of all. */
  | { readonly kind: 'one-message'; readonly source: string; readonly key: string; readonly share: number; readonly shareMax: number }
  /** The learned reward rose while the environment's own return in evaluations fell, beyond both 95 % intervals. */
  | { readonly kind: 'apart-from-evaluation'; readonly source: string; readonly metric: string; readonly reward: readonly [early: number, late: number]; readonly evaluation: readonly [first: Interval, last: Interval] };

/** What a source pays for, over some transitions that were trained on. */
export interface PaymentFigures {
  readonly source: string;
  /** Transitions with a message, and those of them whose reward is known. */
  readonly observations: number;
  readonly known: number;
  /** Sum of what paying messages pay, and how many they are. */
  readonly paid: number;
  readonly paying: number;
  /** Most first. `key`: the message, one character for each byte. */
  readonly top: readonly { readonly key: string; readonly paid: number; readonly count: number; readonly share: number }[];
}

export interface RewardQuality {
  /** Looked at: segments of updates that lead to these versions. */
  readonly versions: readonly [first: number, last: number];
  readonly segments: number;
  readonly sources: readonly PaymentFigures[];
  readonly warnings: readonly RewardWarning[];
}

/** A warning in words, for people. `shown` makes a message safe to show where it stands. */
export function warningText(warning: RewardWarning, shown: (text: string) => string = (text) => text): string {
  const round = (value: number): string => String(Number(value.toPrecision(3)));
  if (warning.kind === 'one-message') return `${warning.source}: one message brings ${Math.round(100 * warning.share)} % of its reward: ${shown(warning.key)}`;
  const [first, last] = warning.evaluation;
  return `${warning.source}: its reward rose from ${round(warning.reward[0])} to ${round(warning.reward[1])} while ${warning.metric} in evaluations fell from ${round(first.mean)} to ${round(last.mean)}`;
}
