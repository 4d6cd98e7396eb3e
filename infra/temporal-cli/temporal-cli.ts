/** Temporal's command-line program, which contains the development server: where it is, or how it is got. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { LaurelError } from '../../proto/errors.js';
import { cacheFolder, type Variables } from '../folders.js';
import { buildCli, type BuildOptions } from './build.js';
import { downloadCli } from './download.js';
import { withInstallLock } from './install.js';

/** The newest version that `go install` can build: later ones have local replacements in their go.mod. */
export const TEMPORAL_CLI_VERSION = 'v1.5.1';
/** Older servers do not know workflow updates as Laurel uses them. */
const SERVER_MINIMUM = [1, 25] as const;
const DOWNLOAD_TIMEOUT_MS = 15_000;

export interface FoundCli {
  readonly path: string;
  readonly from: 'variable' | 'path' | 'cache' | 'download' | 'build';
  /** First line of `--version`. */
  readonly version: string;
}

export interface CliProgress {
  readonly step: 'download' | 'build' | 'wait';
  /** One line for a person. */
  readonly text: string;
  /** 0..1 where it is known. */
  readonly share?: number;
}

export interface EnsureCliOptions {
  readonly variables?: Variables;
  readonly onProgress?: (progress: CliProgress) => void;
  readonly downloadUrl?: string;
  readonly downloadTimeoutMs?: number;
  readonly build?: BuildOptions;
}

/** Looks without fetching: `LAUREL_TEMPORAL_CLI`, the PATH, the cache. @throws LaurelError LAUREL_ASSET_MISSING for a wrong variable. */
export async function findTemporalCli(variables: Variables = process.env): Promise<FoundCli | undefined> {
  const own = variables['LAUREL_TEMPORAL_CLI'];
  if (own !== undefined && own !== '') {
    const version = await versionOf(own);
    if (version !== undefined) return { path: own, from: 'variable', version };
    throw new LaurelError('LAUREL_ASSET_MISSING', `expected LAUREL_TEMPORAL_CLI to name a Temporal program that answers --version, got ${own}; correct or remove the variable`, { path: own });
  }
  for (const folder of (variables['PATH'] ?? '').split(delimiter).filter((part) => part !== '')) {
    const path = join(folder, executableName());
    const version = await versionOf(path);
    if (version !== undefined && isRecent(version)) return { path, from: 'path', version };
  }
  const cached = cachedCliPath(variables);
  const version = await versionOf(cached);
  return version === undefined ? undefined : { path: cached, from: 'cache', version };
}

/**
 * Temporal's program; fetched into the cache where it is nowhere: a download with a short time-out, then a build with
 * Go. Two starts at once fetch it once.
 * @throws LaurelError LAUREL_ASSET_MISSING that says what was tried and what a person can do.
 */
export async function ensureTemporalCli(options: EnsureCliOptions = {}): Promise<FoundCli> {
  const variables = options.variables ?? process.env;
  const report = options.onProgress ?? (() => undefined);
  const found = await findTemporalCli(variables);
  if (found) return found;
  const target = cachedCliPath(variables);
  return withInstallLock(
    target,
    async () => {
      const meanwhile = await versionOf(target);
      if (meanwhile !== undefined) return { path: target, from: 'cache', version: meanwhile };
      const failures: string[] = [];
      const sources = [
        { from: 'download' as const, get: () => downloadCli(target, { version: TEMPORAL_CLI_VERSION, url: options.downloadUrl, timeoutMs: options.downloadTimeoutMs ?? DOWNLOAD_TIMEOUT_MS, onProgress: report }) },
        { from: 'build' as const, get: () => buildCli(target, { version: TEMPORAL_CLI_VERSION, onProgress: report, ...options.build }) },
      ];
      for (const source of sources) {
        try {
          await source.get();
          const version = await versionOf(target);
          if (version === undefined) throw new Error('the program does not answer --version');
          return { path: target, from: source.from, version };
        } catch (error) {
          failures.push(`${source.from}: ${(error as Error).message}`);
        }
      }
      throw new LaurelError(
        'LAUREL_ASSET_MISSING',
        `expected Temporal's CLI on the PATH or a way to fetch it; ${failures.join('; ')}. Install it (https://docs.temporal.io/cli) or Go >= 1.23, name it in LAUREL_TEMPORAL_CLI, or name a server in TEMPORAL_ADDRESS`,
        { failures },
      );
    },
    () => report({ step: 'wait', text: "another start is fetching Temporal's CLI" }),
  );
}

export function cachedCliPath(variables: Variables = process.env): string {
  return join(cacheFolder(variables), 'bin', executableName());
}

function executableName(): string {
  return process.platform === 'win32' ? 'temporal.exe' : 'temporal';
}

async function versionOf(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
    return /temporal version/i.test(stdout) ? stdout.trim().split('\n')[0] : undefined;
  } catch {
    return undefined; // Not there, or not a program of this machine: the next place is looked at.
  }
}

/** Whether the server inside is recent enough; a version that does not say is trusted. */
export function isRecent(version: string): boolean {
  const match = /server (\d+)\.(\d+)/i.exec(version);
  if (!match) return true;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > SERVER_MINIMUM[0] || (major === SERVER_MINIMUM[0] && minor >= SERVER_MINIMUM[1]);
}
