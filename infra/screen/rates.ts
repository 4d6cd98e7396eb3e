/** Speeds and time left, from what was seen over the last minutes. Pure but for the samples it keeps. */
import type { RunStatus } from '../../proto/status.js';

interface Sample {
  readonly atMs: number;
  readonly progress: number;
  readonly labels: number;
  readonly transitions: number;
}

export interface Rates {
  /** Transitions collected per second over the last half minute; the run's own number is that of its last call, also when it stands still. */
  readonly transitionsPerSecond: number | undefined;
  /** Labels made per second; undefined while nothing can be said. */
  readonly labelsPerSecond: number | undefined;
  /** Time to the stop criterion at the speed of the last minutes. */
  readonly leftMs: number | undefined;
}

const WINDOW_MS = 120_000;
const SPEED_WINDOW_MS = 30_000;
const SPAN_MS_MIN = 4_000;

export const UNKNOWN: Rates = { transitionsPerSecond: undefined, labelsPerSecond: undefined, leftMs: undefined };

/**
 * The speed is that of the last two minutes, not the mean of the run: a run that stood still for a night, or compiled
 * for a minute, still gets the right time left.
 */
export class RateWindow {
  private samples: Sample[] = [];

  add(status: Pick<RunStatus, 'progress' | 'annotations' | 'state' | 'transitionsCollected'>, atMs: number): void {
    if (status.state === 'Paused' || status.state === 'NeedsAttention') this.samples = [];
    const labels = status.annotations.reduce((total, one) => total + one.made, 0);
    this.samples.push({ atMs, progress: status.progress, labels, transitions: status.transitionsCollected });
    this.samples = this.samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS);
  }

  rates(): Rates {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || !last || last.atMs - first.atMs < SPAN_MS_MIN) return UNKNOWN;
    const span = last.atMs - first.atMs;
    const recent = this.samples.find((sample) => last.atMs - sample.atMs <= SPEED_WINDOW_MS) ?? first;
    const moved = last.progress - first.progress;
    return {
      transitionsPerSecond: recent === last ? undefined : ((last.transitions - recent.transitions) * 1000) / (last.atMs - recent.atMs),
      labelsPerSecond: ((last.labels - first.labels) * 1000) / span,
      leftMs: moved > 0 ? ((1 - last.progress) * span) / moved : undefined,
    };
  }
}
