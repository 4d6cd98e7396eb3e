/** Progress of fetches: bars on a terminal, a line now and then elsewhere. */
import cliProgress from 'cli-progress';
import type { AssetProgress } from '../../workers/assets/index.js';

/** Something that shows the progress of fetches, of one or of several at once. */
export interface ProgressView {
  report(progress: AssetProgress): void;
  stop(): void;
}

const LINE_INTERVAL_MS = 10_000;

/** Plain lines: one where the phase of an asset changes, then one in ten seconds. */
export class AssetLines implements ProgressView {
  private readonly last = new Map<string, { phase: string; atMs: number }>();

  constructor(
    private readonly print: (text: string) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  report(progress: AssetProgress): void {
    const before = this.last.get(progress.asset);
    const atMs = this.now();
    if (before && before.phase === progress.phase && atMs - before.atMs < LINE_INTERVAL_MS) return;
    this.last.set(progress.asset, { phase: progress.phase, atMs });
    this.print(`${progress.asset}: ${describe(progress)}`);
  }

  stop(): void {
    this.last.clear();
  }
}

/** Bars of a terminal, one for each asset. */
export class AssetBars implements ProgressView {
  private readonly bars = new Map<string, cliProgress.SingleBar>();
  private readonly all = new cliProgress.MultiBar(
    { format: '  {asset} {bar} {note}', hideCursor: true, clearOnComplete: false, emptyOnZero: true, barsize: 24, linewrap: false, autopadding: true },
    cliProgress.Presets.shades_classic,
  );

  report(progress: AssetProgress): void {
    let bar = this.bars.get(progress.asset);
    if (bar === undefined) {
      bar = this.all.create(1, 0, {});
      this.bars.set(progress.asset, bar);
    }
    const { doneBytes, totalBytes } = progress;
    const share = progress.phase === 'ready' ? 1 : doneBytes !== undefined && totalBytes !== undefined && totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
    bar.update(share, { asset: progress.asset.padEnd(13), note: describe(progress) });
  }

  stop(): void {
    this.all.stop();
    this.bars.clear();
  }
}

export function progressView(stream: NodeJS.WriteStream = process.stdout): ProgressView {
  return stream.isTTY ? new AssetBars() : new AssetLines((text) => stream.write(`${text}\n`));
}

function describe(progress: AssetProgress): string {
  const { doneBytes, totalBytes } = progress;
  if (doneBytes === undefined || totalBytes === undefined || totalBytes === 0) return progress.note;
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
  return `${progress.note} (${megabytes(doneBytes)} of ${megabytes(totalBytes)} MB)`;
}
