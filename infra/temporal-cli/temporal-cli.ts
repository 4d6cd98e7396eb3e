/** Where Temporal's command-line program is on this machine, or how it gets there. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { LaurelError } from '../../proto/errors.js';
import { assetStatus, ensureAsset, type OnProgress } from '../../workers/assets/index.js';
import type { Variables } from '../folders.js';
import { temporalCliAsset, type CliSources } from './asset.js';

/** Older servers do not know workflow updates as Laurel uses them. */
const SERVER_MINIMUM = [1, 25] as const;

export interface FoundCli {
  readonly path: string;
  readonly from: 'variable' | 'path' | 'cache';
  /** First line of `--version`. */
  readonly version: string;
}

export interface EnsureCliOptions extends CliSources {
  readonly variables?: Variables;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/**
 * Looks without fetching: `LAUREL_TEMPORAL_CLI`, the PATH, the cache.
 * @throws LaurelError LAUREL_ASSET_MISSING where the variable names something else.
 */
export async function findTemporalCli(variables: Variables = process.env): Promise<FoundCli | undefined> {
  const own = variables['LAUREL_TEMPORAL_CLI'];
  if (own !== undefined && own !== '') {
    const version = await versionOf(own);
    if (version !== undefined) return { path: own, from: 'variable', version };
    throw new LaurelError('LAUREL_ASSET_MISSING', `expected LAUREL_TEMPORAL_CLI to name a Temporal program that answers --version, got ${own}; correct or remove the variable`, { path: own });
  }
  for (const folder of (variables['PATH'] ?? '').split(delimiter).filter((part) => part !== '')) {
    const path = join(folder, process.platform === 'win32' ? 'temporal.exe' : 'temporal');
    const version = await versionOf(path);
    if (version !== undefined && isRecent(version)) return { path, from: 'path', version };
  }
  const cached = await assetStatus(temporalCliAsset(), { variables });
  const path = cached.paths['program'];
  if (cached.state !== 'present' || path === undefined) return undefined;
  const version = await versionOf(path);
  return version === undefined ? undefined : { path, from: 'cache', version };
}

/**
 * Temporal's program; fetched into the cache where it is nowhere. Two starts at once fetch it once.
 * @throws LaurelError LAUREL_ASSET_MISSING that says what was tried and what a person can do.
 */
export async function ensureTemporalCli(options: EnsureCliOptions = {}): Promise<FoundCli> {
  const variables = options.variables ?? process.env;
  const found = await findTemporalCli(variables);
  if (found) return found;
  const definition = temporalCliAsset(options);
  const paths = await ensureAsset(definition, {
    variables,
    ...(options.onProgress && { onProgress: options.onProgress }),
    ...(options.signal && { signal: options.signal }),
  });
  const path = paths['program'] as string;
  const version = await versionOf(path);
  if (version === undefined) {
    throw new LaurelError('LAUREL_ASSET_CORRUPT', `expected ${path} to answer --version as Temporal's CLI, it does not; delete it and ${definition.remedy}`, { path });
  }
  return { path, from: 'cache', version };
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
