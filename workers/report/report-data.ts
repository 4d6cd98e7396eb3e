/** What the report of a run shows, as plain data. */
import type { MetricsLine } from '../../proto/activities.js';
import type { Job } from '../../proto/job.js';
import type { NormalForm } from '../../proto/judges.js';
import type { RewardQuality } from '../../proto/quality.js';
import type { LabelStatus } from '../../proto/schemas.js';
import type { RunStatus } from '../../proto/status.js';
import type { Agreement } from '../annotator/quality/agreement.js';
import type { Disagreement, Drift } from '../annotator/quality/drift.js';

export interface ReportData {
  readonly run: string;
  readonly job: Job;
  /** Null while the run goes on. */
  readonly outcome: 'completed' | 'stopped' | 'cancelled' | null;
  /** The last status; null while the run goes on. */
  readonly status: RunStatus | null;
  /** In the order of versions. */
  readonly metrics: readonly MetricsLine[];
  /** In the order of versions. */
  readonly evaluations: readonly ReportEvaluation[];
  readonly annotations: readonly ReportAnnotation[];
  readonly messages: MessageSample;
  /** What rewards were paid for; null: no source reads messages. */
  readonly rewardQuality: RewardQuality | null;
}

export interface ReportEvaluation {
  readonly version: number;
  readonly suite: string;
  readonly episodes: number;
  readonly failed: number;
  /** Mean and half width of the 95 % interval. */
  readonly means: Readonly<Record<string, { readonly mean: number; readonly halfWidth: number }>>;
}

export interface ReportAnnotation {
  readonly source: string;
  readonly annotator: string;
  /** Entries of the log by status, up to the position that the run had. */
  readonly statuses: Readonly<Record<LabelStatus, number>>;
  /** How many messages have a probability in each tenth of 0..1. */
  readonly probabilities: readonly number[];
  readonly model: string;
  /** Mean time of one answer. */
  readonly latencyMsMean: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** What messages are looked up by. */
  readonly form: NormalForm;
  /** Verdicts by message (textKey, in the normal form). */
  readonly verdicts: ReadonlyMap<string, MessageVerdict>;
  readonly quality: AnnotationQuality;
}

/** How good the verdicts of the judge are; labels of people are left out. */
export interface AnnotationQuality {
  /** With the labelled set of the job; null: it names none, or no annotator has opened it yet. */
  readonly agreement: (Agreement & { readonly of: number }) | null;
  readonly drift: Drift;
  readonly disagreement: Disagreement;
}

export interface MessageVerdict {
  readonly status: LabelStatus;
  /** Probability that the message is helpful; null unless the status is ok. */
  readonly probability: number | null;
}

/** Messages of some segments, evenly spread over the run. */
export interface MessageSample {
  readonly segments: number;
  readonly segmentsInAll: number;
  readonly transitions: number;
  readonly distinct: number;
  /** Most common first. */
  readonly common: readonly { readonly key: string; readonly text: string; readonly count: number }[];
}
