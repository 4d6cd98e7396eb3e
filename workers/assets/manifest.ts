/**
 * One small file for each asset in the cache that says which files were put in place with which digests. It is
 * written last, so its presence means that the asset is whole. A file whose size and time are those of the manifest is
 * not read again at each start; any other is, so that a replaced or cut file is noticed.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AssetDefinition } from './asset.js';
import { cacheFolder, filePlace, type Variables } from './cache.js';

export interface ManifestEntry {
  readonly sha256: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Entries by the path of the file below the cache folder. */
export interface Manifest {
  readonly version: 1;
  readonly asset: string;
  readonly files: Readonly<Record<string, ManifestEntry>>;
}

function manifestPath(definition: AssetDefinition, variables: Variables): string {
  return join(cacheFolder(variables), 'manifests', `${definition.id}.json`);
}

/** The manifest, or undefined where there is none that can be read. */
export async function readManifest(definition: AssetDefinition, variables: Variables): Promise<Manifest | undefined> {
  try {
    const parsed = JSON.parse(await readFile(manifestPath(definition, variables), 'utf8')) as Partial<Manifest>;
    return parsed.version === 1 && parsed.asset === definition.id && typeof parsed.files === 'object' ? (parsed as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the manifest of files that lie in place. `digests`: by path below the cache folder. */
export async function writeManifest(definition: AssetDefinition, digests: ReadonlyMap<string, string>, variables: Variables): Promise<void> {
  const files: Record<string, ManifestEntry> = {};
  for (const file of definition.files) {
    const found = await stat(filePlace(file, variables).path);
    files[file.path] = { sha256: digests.get(file.path) ?? '', bytes: found.size, modifiedMs: Math.floor(found.mtimeMs) };
  }
  const path = manifestPath(definition, variables);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, JSON.stringify({ version: 1, asset: definition.id, files } satisfies Manifest, null, 2));
  await rename(temporary, path);
}

/** Lower-case hex sha256 of a file. */
export async function digestOf(path: string, onBytes?: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    onBytes?.(bytes);
  }
  return hash.digest('hex');
}
