/**
 * Fetches an asset once for this user. Files are made in a folder of the call's own, compared with their digests and
 * renamed into place; a lock keeps two starts from fetching twice, and a kill at any moment leaves either the whole
 * file or none.
 */
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { lock } from 'proper-lockfile';
import { LaurelError } from '../../proto/errors.js';
import type { AssetDefinition, AssetPaths, AssetProgress, OnProgress } from './asset.js';
import { cacheFolder, type Variables } from './cache.js';
import { digestOf, writeManifest } from './manifest.js';
import { assetError, assetStatus } from './status.js';

/** A fetch by another process may be a build of many minutes. */
const LOCK_WAIT_MS_MAX = 45 * 60_000;
const LOCK_POLL_MS = 500;
/** The lock of a process that died is taken over after this long without a sign of life. */
const LOCK_STALE_MS = 10_000;
/** Progress of the same phase is reported at most this often. */
const PROGRESS_INTERVAL_MS = 100;

type Progress = (progress: Omit<AssetProgress, 'asset'>) => void;

export interface EnsureOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  readonly variables?: Variables;
}

/**
 * Gives the paths of an asset's files, fetching them first where they are not there. A damaged file in the cache is
 * fetched anew; a damaged file of the user's own is an error.
 * @throws LaurelError LAUREL_ASSET_MISSING where it cannot be had, LAUREL_ASSET_CORRUPT where what came has another digest.
 */
export async function ensureAsset(definition: AssetDefinition, options: EnsureOptions = {}): Promise<AssetPaths> {
  const variables = options.variables ?? process.env;
  const signal = options.signal ?? new AbortController().signal;
  const progress = throttled(definition.id, options.onProgress);

  const before = await assetStatus(definition, { variables });
  if (before.state === 'present') return before.paths;
  if (before.origin === 'own' || before.state === 'unsupported') throw assetError(before);

  const release = await lockAsset(definition, variables, signal, progress);
  try {
    const now = await assetStatus(definition, { variables });
    if (now.state !== 'present') await fetchInto(definition, variables, signal, progress);
  } finally {
    await release();
  }
  const after = await assetStatus(definition, { variables });
  if (after.state !== 'present') throw assetError(after, 'It was fetched but is not in place.');
  progress({ phase: 'ready', note: `${definition.title} is ready` });
  return after.paths;
}

function throttled(asset: string, onProgress: OnProgress | undefined): Progress {
  let last = '';
  let reportedMs = 0;
  return (one) => {
    const kind = `${one.phase} ${one.note}`;
    const nowMs = performance.now();
    if (kind === last && nowMs - reportedMs < PROGRESS_INTERVAL_MS && one.doneBytes !== one.totalBytes) return;
    last = kind;
    reportedMs = nowMs;
    onProgress?.({ asset, ...one });
  };
}

async function lockAsset(definition: AssetDefinition, variables: Variables, signal: AbortSignal, progress: Progress): Promise<() => Promise<void>> {
  const path = join(cacheFolder(variables), 'locks', definition.id);
  await usable(definition, path, async () => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '', { flag: 'a' });
  });
  for (let waitedMs = 0; ; waitedMs += LOCK_POLL_MS) {
    signal.throwIfAborted();
    try {
      // Losing the lock is harmless: what is renamed into place is whole and the same in both processes.
      return await lock(path, { stale: LOCK_STALE_MS, update: LOCK_STALE_MS / 6, onCompromised: () => undefined });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ELOCKED' || waitedMs >= LOCK_WAIT_MS_MAX) {
        throw new LaurelError('LAUREL_ASSET_MISSING', `expected the lock ${path} to become free so that ${definition.title} can be fetched; got ${String(error)}. What to do: end the other fetch and run again.`, {}, { cause: error });
      }
      progress({ phase: 'waiting', note: `another process fetches ${definition.title}` });
      await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
    }
  }
}

async function fetchInto(definition: AssetDefinition, variables: Variables, signal: AbortSignal, progress: Progress): Promise<void> {
  const cache = cacheFolder(variables);
  const partial = join(cache, 'partial');
  const folder = await usable(definition, partial, async () => {
    await mkdir(partial, { recursive: true });
    // This call holds the lock: whatever lies here for this asset was left by a process that was killed.
    for (const name of await readdir(partial)) if (name.startsWith(`${definition.id}-`)) await rm(join(partial, name), { recursive: true, force: true });
    return mkdtemp(join(partial, `${definition.id}-`));
  });
  try {
    await definition.make({ folder, progress, signal });
    const digests = new Map<string, string>();
    for (const file of definition.files) digests.set(file.path, await verified(definition, file, folder, progress));
    for (const file of definition.files) {
      const target = join(cache, file.path);
      await mkdir(dirname(target), { recursive: true });
      if (file.executable) await chmod(join(folder, basename(file.path)), 0o755);
      await rename(join(folder, basename(file.path)), target);
    }
    await writeManifest(definition, digests, variables);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LaurelError) throw error;
    throw new LaurelError('LAUREL_ASSET_MISSING', `expected to fetch ${definition.title} (${definition.id}) into ${cache}; got: ${(error as Error).message}. What to do: ${definition.remedy}`, { asset: definition.id }, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function verified(definition: AssetDefinition, file: AssetDefinition['files'][number], folder: string, progress: Progress): Promise<string> {
  const name = basename(file.path);
  const path = join(folder, name);
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw new Error(`the fetch ended without making ${name}`);
  const digest = await digestOf(path, (doneBytes) => progress({ phase: 'verify', doneBytes, totalBytes: found.size, note: `checking ${name}` }));
  if (file.sha256 !== undefined && digest !== file.sha256) {
    throw new LaurelError('LAUREL_ASSET_CORRUPT', `expected ${name} of ${definition.title} with sha256 ${file.sha256}, got ${digest} (${found.size} bytes). It is not used. What to do: run again; if it stays so, the index that pip uses serves another file: ${definition.remedy}`, { asset: definition.id });
  }
  await toDisk(path);
  return digest;
}

/** A file must be on the disk before its name is: else a power cut leaves the name with nothing behind it. */
async function toDisk(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function usable<T>(definition: AssetDefinition, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new LaurelError('LAUREL_ASSET_MISSING', `expected to write ${definition.title} below ${path}; got: ${(error as Error).message}. What to do: make room or set LAUREL_CACHE to a folder that can be written.`, { asset: definition.id }, { cause: error });
  }
}
