/** One bar for a task of known length: on a terminal only, elsewhere nothing is shown. */
import cliProgress from 'cli-progress';

export interface ProgressBar {
  show(done: number, of: number, note: string): void;
  stop(): void;
}

export function progressBar(what: string): ProgressBar {
  if (!process.stdout.isTTY) return { show: () => undefined, stop: () => undefined };
  const bar = new cliProgress.SingleBar({ format: `  ${what} {bar} {value}/{total} {note}`, hideCursor: true, barsize: 24, linewrap: false }, cliProgress.Presets.shades_classic);
  let begun = false;
  return {
    show(done, of, note) {
      if (!begun) bar.start(of, done, { note });
      else bar.update(done, { note });
      begun = true;
    },
    stop() {
      if (begun) bar.stop();
      begun = false;
    },
  };
}
