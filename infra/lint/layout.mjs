/** `npm run lint`, second half: holds the layout of the project. Exit code 1 where a rule is broken. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkLayout, SOURCE_FOLDERS } from './rules.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const files = new Map();
for (const folder of SOURCE_FOLDERS) {
  for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath ?? entry.path, entry.name);
    if (full.includes(`${sep}node_modules${sep}`) || full.includes(`${sep}__pycache__${sep}`)) continue;
    files.set(relative(root, full).split(sep).join('/'), /\.(ts|mjs|js)$/.test(entry.name) ? await readFile(full, 'utf8') : '');
  }
}
const faults = checkLayout(files);
for (const fault of faults) console.error(fault);
console.log(`layout: ${files.size} files, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
