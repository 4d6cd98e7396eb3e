/** Says of an asset whether it is there and whole, without fetching anything. */
import { stat } from 'node:fs/promises';
import { LaurelError } from '../../proto/errors.js';
import type { AssetDefinition, AssetFile, AssetPaths, AssetStatus } from './asset.js';
import { assetPaths, cacheFolder, filePlace, type Variables } from './cache.js';
import { digestOf, readManifest, type Manifest } from './manifest.js';

export interface StatusOptions {
  /** Read every file and compare digests even where size and time say that nothing changed (`laurel doctor`). Default false. */
  readonly deep?: boolean;
  readonly variables?: Variables;
}

type Finding = { readonly state: 'present' | 'missing' | 'corrupt'; readonly found: string };

async function inspectCached(file: AssetFile, path: string, manifest: Manifest | undefined, deep: boolean): Promise<Finding> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return { state: 'missing', found: `no file at ${path}` };
  const entry = manifest?.files[file.path];
  const bytes = file.bytes ?? entry?.bytes;
  const sha256 = file.sha256 ?? entry?.sha256;
  if (bytes === undefined || sha256 === undefined) return { state: 'missing', found: `${path} is there, but nothing says that it was finished` };
  if (found.size !== bytes) return { state: 'corrupt', found: `${path} has ${found.size} bytes, expected ${bytes}` };
  const unchanged = entry !== undefined && entry.sha256 === sha256 && entry.bytes === found.size && entry.modifiedMs === Math.floor(found.mtimeMs);
  if (unchanged && !deep) return { state: 'present', found: path };
  const digest = await digestOf(path);
  if (digest !== sha256) return { state: 'corrupt', found: `${path} has sha256 ${digest}, expected ${sha256}` };
  return { state: 'present', found: path };
}

/** A user's own file: a pinned digest binds files lying in LAUREL_ASSET_DIR; a file named by its variable is taken as it is. */
async function inspectOwn(file: AssetFile, path: string, origin: 'variable' | 'folder', deep: boolean): Promise<Finding> {
  const found = await stat(path).catch(() => undefined);
  const by = origin === 'variable' ? file.variable : 'LAUREL_ASSET_DIR';
  if (!found?.isFile()) return { state: 'missing', found: `no file at ${path} (from ${by})` };
  if (origin === 'folder' && file.bytes !== undefined && found.size !== file.bytes) {
    return { state: 'corrupt', found: `${path} (from ${by}) has ${found.size} bytes, expected ${file.bytes}` };
  }
  if (origin === 'folder' && deep && file.sha256 !== undefined) {
    const digest = await digestOf(path);
    if (digest !== file.sha256) return { state: 'corrupt', found: `${path} (from ${by}) has sha256 ${digest}, expected ${file.sha256}` };
  }
  return { state: 'present', found: `${path} (from ${by})` };
}

/** State of one asset. Reads no file whole unless its size or time is new, or `deep` is set. */
export async function assetStatus(definition: AssetDefinition, options: StatusOptions = {}): Promise<AssetStatus> {
  const variables = options.variables ?? process.env;
  const deep = options.deep ?? false;
  const paths = assetPaths(definition, variables);
  const places = definition.files.map((file) => ({ file, place: filePlace(file, variables) }));
  const own = places.some(({ place }) => place.origin !== 'cache');
  const manifest = await readManifest(definition, variables);
  const findings = await Promise.all(
    places.map(({ file, place }) => (place.origin === 'cache' ? inspectCached(file, place.path, manifest, deep) : inspectOwn(file, place.path, place.origin, deep))),
  );
  const worst = findings.find(({ state }) => state === 'corrupt') ?? findings.find(({ state }) => state === 'missing');
  const base = { id: definition.id, title: definition.title, origin: own ? 'own' : 'cache', paths } as const;
  if (worst === undefined) return { ...base, state: 'present', found: findings.map(({ found }) => found).join(', '), action: '' };
  if (worst.state === 'corrupt') {
    const action = own ? 'replace the file by a whole copy, or unset the variable' : `delete it and run again: it is fetched anew into ${cacheFolder(variables)}`;
    return { ...base, state: 'corrupt', found: worst.found, action };
  }
  if (!own && definition.unsupported !== undefined) return { ...base, state: 'unsupported', found: definition.unsupported, action: definition.remedy };
  const action = own ? `put the file there or unset the variable; ${definition.remedy}` : `run \`npm start\`, which fetches it; ${definition.remedy}`;
  return { ...base, state: 'missing', found: worst.found, action };
}

/** The error for a status that is not `present`. */
export function assetError(status: AssetStatus, detail = ''): LaurelError {
  const code = status.state === 'corrupt' ? 'LAUREL_ASSET_CORRUPT' : 'LAUREL_ASSET_MISSING';
  const happened = detail === '' ? '' : ` ${detail}`;
  return new LaurelError(code, `expected ${status.title} (${status.id}); ${status.found}.${happened} What to do: ${status.action}`, {
    asset: status.id,
    state: status.state,
    paths: status.paths,
  });
}

/**
 * Paths of an asset that must be there already (workers do not fetch).
 * @throws LaurelError LAUREL_ASSET_MISSING or LAUREL_ASSET_CORRUPT, with what to do.
 */
export async function requireAsset(definition: AssetDefinition, options: StatusOptions = {}): Promise<AssetPaths> {
  const status = await assetStatus(definition, options);
  if (status.state !== 'present') throw assetError(status);
  return status.paths;
}
