/**
 * The layout of the project as rules on paths and imports. Pure: a map of path to text goes in, a list of faults
 * comes out. The house (docs/design.md, section 2): infra -> workers -> activities -> proto, workflows -> proto.
 */
import { posix } from 'node:path';

export const SOURCE_FOLDERS = ['proto', 'workflows', 'activities', 'workers', 'infra', 'bench', 'test'];
const LINES_MAX = 400;

/** Folders of the project from which each folder may import. */
const MAY_IMPORT = {
  proto: ['proto'],
  workflows: ['workflows', 'proto'],
  activities: ['activities', 'proto'],
  workers: ['workers', 'activities', 'proto'],
  infra: ['infra', 'workers', 'activities', 'proto'],
  bench: SOURCE_FOLDERS,
  test: SOURCE_FOLDERS,
};
/** Folders whose types alone may be imported besides: a type is gone when the program runs. */
const MAY_IMPORT_TYPES = { workflows: ['activities'], infra: ['workflows'] };

/** Where Temporal's packages may be imported. */
const TEMPORAL_FOLDERS = ['workflows', 'activities', 'infra', 'bench', 'test'];
const TEMPORAL_WORKER_FILES = /^workers\/(main|temporal[a-z-]*)\.ts$/;

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const CODE = /\.(ts|mjs|js)$/;

/** Imports of a module, `{specifier, typeOnly}` each. */
export function importsOf(text) {
  const found = [];
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  for (const match of code.matchAll(/^\s*(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"\n]+)['"]/gm)) {
    found.push({ specifier: match[3], typeOnly: match[2] !== undefined });
  }
  for (const match of code.matchAll(/\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g)) found.push({ specifier: match[1], typeOnly: false });
  return found;
}

/** @param {ReadonlyMap<string, string>} files text by path below the project root, with `/` */
export function checkLayout(files) {
  const faults = [];
  const modules = new Map();
  for (const [path, text] of files) {
    checkName(path, faults);
    if (!CODE.test(path)) continue;
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (lines > LINES_MAX) faults.push(`${path}: expected at most ${LINES_MAX} lines, got ${lines}; split it by noun`);
    if (/^export default\b/m.test(text)) faults.push(`${path}: expected named exports, got a default export`);
    const imports = importsOf(text);
    modules.set(path, imports);
    for (const one of imports) checkImport(path, one, faults);
  }
  checkSandbox(modules, faults);
  return faults;
}

function checkName(path, faults) {
  const parts = path.split('/');
  const file = parts.pop();
  const stem = file.replace(/(\.test|\.worker|\.d|\.json)?\.[a-z0-9]+$/, '');
  for (const part of parts) if (!NAME.test(part) && part !== '__snapshots__') faults.push(`${path}: expected folder names in kebab-case, got ${part}`);
  // Python modules are imported by their names, which have underscores; everything else is kebab-case.
  const pattern = file.endsWith('.py') ? /^[a-z0-9_]+$/ : NAME;
  const fixed = /^(README\.md|Flight\.proto|SHA256SUMS|Dockerfile|\.gitkeep)$/.test(file);
  if (!fixed && !pattern.test(stem)) faults.push(`${path}: expected a file name in kebab-case, got ${file}`);
}

function checkImport(path, { specifier, typeOnly }, faults) {
  const folder = path.split('/')[0];
  if (specifier.startsWith('@temporalio/')) {
    if (!TEMPORAL_FOLDERS.includes(folder) && !TEMPORAL_WORKER_FILES.test(path)) {
      faults.push(`${path}: expected no import of ${specifier} in ${folder}/; Temporal belongs into workflows/, activities/, infra/ and workers/main.ts`);
    }
    return;
  }
  if (!specifier.startsWith('.')) return;
  const target = resolve(path, specifier).split('/')[0];
  if (!SOURCE_FOLDERS.includes(target)) return;
  const allowed = [...MAY_IMPORT[folder], ...(typeOnly ? (MAY_IMPORT_TYPES[folder] ?? []) : [])];
  if (!allowed.includes(target)) faults.push(`${path}: expected imports from ${allowed.join(', ')} only, got ${specifier}`);
}

/** Everything that a workflow loads runs in Temporal's sandbox, however long the chain of imports to it is. */
function checkSandbox(modules, faults) {
  const reached = new Map([...modules.keys()].filter((path) => path.startsWith('workflows/')).map((path) => [path, path]));
  for (const [path, from] of reached) {
    for (const { specifier, typeOnly } of modules.get(path) ?? []) {
      if (typeOnly) continue;
      if (specifier.startsWith('node:') || specifier === 'apache-arrow') {
        faults.push(`${path}: expected no import of ${specifier}: a workflow (${from}) loads this module, and its sandbox does not have it`);
      }
      if (!specifier.startsWith('.')) continue;
      const target = resolve(path, specifier).replace(/\.js$/, '.ts');
      if (modules.has(target) && !reached.has(target)) reached.set(target, from);
    }
  }
}

function resolve(path, specifier) {
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}
