/** Speeds and time left, from what was seen over the last minutes. Pure but for the samples it keeps. */
import type { RunStatus } from '../../proto/status.js';

interface Sample {
  readonly atMs: number;
  readonly progress: number;
  readonly labels: number;
}

export interface Rates {
  /** Labels made per second; undefined while nothing can be said. */
  readonly labelsPerSecond: number | undefined;
  /** Time to the stop criterion at the speed of the last minutes. */
  readonly leftMs: number | undefined;
}

const WINDOW_MS = 120_000;
const SPAN_MS_MIN = 4_000;

/**
 * The speed is that of the last two minutes, not the mean of the run: a run that stood still for a night, or compiled
 * for a minute, still gets the right time left.
 */
export class RateWindow {
  private samples: Sample[] = [];

  add(status: Pick<RunStatus, 'progress' | 'annotations' | 'state'>, atMs: number): void {
    if (status.state === 'Paused' || status.state === 'NeedsAttention') this.samples = [];
    const labels = status.annotations.reduce((total, one) => total + one.made, 0);
    this.samples.push({ atMs, progress: status.progress, labels });
    this.samples = this.samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS);
  }

  rates(): Rates {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || !last || last.atMs - first.atMs < SPAN_MS_MIN) return { labelsPerSecond: undefined, leftMs: undefined };
    const span = last.atMs - first.atMs;
    const moved = last.progress - first.progress;
    return {
      labelsPerSecond: ((last.labels - first.labels) * 1000) / span,
      leftMs: moved > 0 ? ((1 - last.progress) * span) / moved : undefined,
    };
  }
}
