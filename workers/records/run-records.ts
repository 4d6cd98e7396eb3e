/** What a run leaves behind for people: metric lines, summary, report. */
import type { AppendMetricsInput, AppendMetricsResult, FinishInput, FinishResult } from '../../proto/activities.js';
import type { RewardQuality } from '../../proto/quality.js';
import { writeArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';

/** Version of the form of summary.json. */
const SUMMARY_VERSION = 1;

export interface RunRecordsOptions {
  readonly store: ObjectStore;
  /** The page of a finished run, from the store alone. */
  readonly renderReport: (run: string) => Promise<string>;
  readonly onReportFailure?: (run: string, error: unknown) => void;
  /** What rewards were paid for: over the newest part of the metrics, and over the whole run. */
  readonly quality: { readonly ofPart: (input: AppendMetricsInput) => Promise<RewardQuality | undefined>; readonly ofRun: (run: string) => Promise<RewardQuality | undefined> };
}

export class RunRecords {
  constructor(private readonly options: RunRecordsOptions) {}

  /** Parts are written once: a repeated call with the same lines changes nothing. */
  async appendMetrics(input: AppendMetricsInput): Promise<AppendMetricsResult> {
    const body = Buffer.from(input.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await writeArtifact(this.options.store, layout.metricsPart(input.run, input.part), body, { schemaVersion: 1 });
    return { quality: await this.look(input.run, this.options.quality.ofPart(input)) };
  }

  /** Joins the metric lines, writes the summary, then the report. Whoever finds a summary finds the metrics too. */
  async finishRun(input: FinishInput): Promise<FinishResult> {
    const { store } = this.options;
    const { run, outcome, summary, evaluations } = input;
    await store.putIfAbsent(layout.metrics(run), await this.joinedMetrics(run));
    const rewardQuality = await this.look(run, this.options.quality.ofRun(run));
    const body = Buffer.from(`${JSON.stringify({ version: SUMMARY_VERSION, run, outcome, evaluations, ...(rewardQuality && { rewardQuality }), ...summary }, null, 2)}\n`);
    const reference = await this.writeSummary(run, body);
    await this.writeReport(run);
    return { summary: reference };
  }

  /** Looking is for people: what cannot be looked at must not hold the run. */
  private async look(run: string, looking: Promise<RewardQuality | undefined>): Promise<RewardQuality | null> {
    try {
      return (await looking) ?? null;
    } catch (error) {
      this.options.onReportFailure?.(run, error);
      return null;
    }
  }

  private async joinedMetrics(run: string): Promise<Uint8Array> {
    const parts = await this.options.store.list(layout.metricsParts(run));
    const bodies = await Promise.all(parts.map(async ({ key }) => (await this.options.store.get(key)) ?? new Uint8Array(0)));
    return Buffer.concat(bodies);
  }

  /** The first summary stays: a repeated call may differ in times only, and one run has one summary. */
  private async writeSummary(run: string, body: Uint8Array): Promise<FinishResult['summary']> {
    const key = layout.summary(run);
    await this.options.store.putIfAbsent(key, body);
    return writeArtifact(this.options.store, key, (await this.options.store.get(key)) ?? body, { schemaVersion: SUMMARY_VERSION });
  }

  /** A report that cannot be drawn must not take the run's end with it: `laurel report` draws it again. */
  private async writeReport(run: string): Promise<void> {
    try {
      await this.options.store.putIfAbsent(layout.report(run), Buffer.from(await this.options.renderReport(run)));
    } catch (error) {
      this.options.onReportFailure?.(run, error);
    }
  }
}
