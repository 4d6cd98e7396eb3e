/** Where Laurel keeps things on this machine, and the environment variables that move them. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { storeLocation } from '../workers/store/store-location.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What belongs to the runs of one project (server database, logs, store): `LAUREL_STATE`, else `.laurel` in the current folder. */
export function stateFolder(variables: Variables = process.env): string {
  const own = variables['LAUREL_STATE'];
  return resolve(own !== undefined && own !== '' ? own : '.laurel');
}

/** Root of the object store: `LAUREL_STORE` (a folder, or `s3://bucket/prefix`), else `store` in the state folder. @throws LaurelError LAUREL_JOB_INVALID */
export function storeRoot(variables: Variables = process.env): string {
  const own = variables['LAUREL_STORE'];
  return storeLocation(own !== undefined && own !== '' ? own : join(stateFolder(variables), 'store'));
}

/** The folder that holds `package.json`, whether this module runs from its source or from `dist/`. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) return process.cwd();
    folder = parent;
  }
  return folder;
}

/** The compiled form of a source file of this project: `workers/main.ts` gives `<root>/dist/workers/main.js`. */
export function compiledPath(source: string): string {
  return join(projectRoot(), 'dist', source.replace(/\.ts$/, '.js'));
}
