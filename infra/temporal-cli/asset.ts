/** Temporal's command-line program as an asset: downloaded from its publisher, else built with Go. */
import { join } from 'node:path';
import type { AssetDefinition } from '../../workers/assets/index.js';
import { buildCli, type BuildOptions } from './build.js';
import { downloadCli } from './download.js';

/** The newest version that `go install` can build: later ones have local replacements in their go.mod. */
export const TEMPORAL_CLI_VERSION = 'v1.5.1';

const DOWNLOAD_TIMEOUT_MS = 15_000;
const EXECUTABLE = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

export interface CliSources {
  /** Where the download asks; default: the address that Temporal's SDKs use. */
  readonly downloadUrl?: string;
  readonly downloadTimeoutMs?: number;
  readonly build?: BuildOptions;
}

export function temporalCliAsset(sources: CliSources = {}): AssetDefinition {
  return {
    id: 'temporal-cli',
    title: "Temporal's CLI with its development server",
    downloadBytes: 65_000_000,
    // No digest: a build of one's own machine has its own bytes; the digest of what was made is recorded.
    files: [{ name: 'program', path: `bin/${EXECUTABLE}`, variable: 'LAUREL_TEMPORAL_CLI', executable: true }],
    remedy: 'install it (https://docs.temporal.io/cli) so that `temporal` is on the PATH, or name it in LAUREL_TEMPORAL_CLI, or install Go >= 1.24, which builds it, or name a server of your own in TEMPORAL_ADDRESS',
    async make({ folder, progress, signal }) {
      const target = join(folder, EXECUTABLE);
      const making = { version: TEMPORAL_CLI_VERSION, progress, signal };
      try {
        await downloadCli(target, { ...making, url: sources.downloadUrl, timeoutMs: sources.downloadTimeoutMs ?? DOWNLOAD_TIMEOUT_MS });
      } catch (downloadError) {
        signal.throwIfAborted();
        progress({ phase: 'download', note: `no download (${(downloadError as Error).message}); trying a build with Go` });
        try {
          await buildCli(target, { ...making, ...sources.build });
        } catch (buildError) {
          throw new Error(`no download (${(downloadError as Error).message}) and no build (${(buildError as Error).message})`, { cause: buildError });
        }
      }
    },
  };
}
