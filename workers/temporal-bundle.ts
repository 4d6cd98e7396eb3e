/**
 * The workflow code as one file, as Temporal's sandbox wants it. Making it takes seconds, so it is made once and kept
 * beside the compiled code under a name that its sources give it: code that was compiled anew never meets an old bundle.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, type WorkflowBundleOption } from '@temporalio/worker';

const compiled = fileURLToPath(new URL('..', import.meta.url));
const NAME = /^workflow-bundle\.[0-9a-f]{16}\.js$/;

/** The workflows as they are compiled now; made where there is none yet. */
export async function workflowBundle(): Promise<WorkflowBundleOption> {
  const name = `workflow-bundle.${await sourcesDigest()}.js`;
  const entries = await readdir(compiled);
  const path = join(compiled, name);
  if (entries.includes(name)) return { codePath: path };
  const { code } = await bundleWorkflowCode({ workflowsPath: join(compiled, 'workflows', 'index.js') });
  try {
    await keep(path, code);
    await Promise.all(entries.filter((entry) => NAME.test(entry)).map((entry) => rm(join(compiled, entry), { force: true })));
    return { codePath: path };
  } catch (error) {
    // An installation that may not be written to makes it at each start.
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return { code };
  }
}

/** Workers that start side by side may all make it; each rename puts the same whole file in place. */
async function keep(path: string, code: string): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, code);
  await rename(temporary, path);
}

/** Of everything that workflows may import: their folder, proto without Flight, and the versions of the packages. */
async function sourcesDigest(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['proto', 'workflows']) {
    const names = (await readdir(join(compiled, folder))).filter((name) => name.endsWith('.js')).sort();
    for (const name of names) hash.update(`${folder}/${name}\0`).update(await readFile(join(compiled, folder, name)));
  }
  const load = createRequire(import.meta.url);
  for (const name of ['@temporalio/worker', '@temporalio/workflow', 'zod', 'fastest-levenshtein']) hash.update(`${name}@${(load(`${name}/package.json`) as { version: string }).version}\0`);
  return hash.digest('hex').slice(0, 16);
}
