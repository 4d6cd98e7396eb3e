/** Where fetched files lie, and where a user's own files take their place. */
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { AssetDefinition, AssetFile, AssetPaths } from './asset.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** `LAUREL_CACHE`, else `$XDG_CACHE_HOME/laurel`, else `~/.cache/laurel`. */
export function cacheFolder(variables: Variables = process.env): string {
  const own = variables['LAUREL_CACHE'];
  if (own) return resolve(own);
  const shared = variables['XDG_CACHE_HOME'];
  return join(shared ? resolve(shared) : join(homedir(), '.cache'), 'laurel');
}

/** How a file comes to its path: in the cache, by its own variable, or from the user's folder of assets. */
export interface FilePlace {
  readonly path: string;
  readonly origin: 'cache' | 'variable' | 'folder';
}

/** The file's own variable wins over LAUREL_ASSET_DIR, which wins over the cache. */
export function filePlace(file: AssetFile, variables: Variables = process.env): FilePlace {
  const own = variables[file.variable];
  if (own) return { path: resolve(own), origin: 'variable' };
  const folder = variables['LAUREL_ASSET_DIR'];
  if (folder) return { path: join(resolve(folder), basename(file.path)), origin: 'folder' };
  return { path: join(cacheFolder(variables), file.path), origin: 'cache' };
}

export function assetPaths(definition: AssetDefinition, variables: Variables = process.env): AssetPaths {
  return Object.fromEntries(definition.files.map((file) => [file.name, filePlace(file, variables).path]));
}
