/** `laurel labels relabel`: asks the questions of one annotator again under another judge, prompt or goal, and shows where the two agree. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { LaurelError } from '../../../proto/errors.js';
import { annotatorSchema, type AnnotatorSpec } from '../../../proto/judges.js';
import type { AnnotatorDescription } from '../../../workers/annotator/annotator-id.js';
import { machineResources } from '../../../workers/annotator/judge-resources.js';
import { findAnnotator } from '../../../workers/annotator/label-archive.js';
import { pairOfKey } from '../../../workers/annotator/pair.js';
import { relabel, type Relabelled } from '../../../workers/annotator/relabel.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { openStore } from '../../../workers/store/open-store.js';
import { storeRoot } from '../../folders.js';
import { printable } from '../../screen/format.js';
import { parsePositive } from '../arguments.js';
import { watchInterrupt } from '../interrupt.js';

const LIMIT = 1_000_000;
const EXAMPLES = 10;
const PROGRESS_MS = 2_000;

interface RelabelCommandOptions {
  readonly with: string;
  readonly limit: number;
  readonly examples: number;
  readonly json?: boolean;
}

export function addRelabel(labels: Command): void {
  labels
    .command('relabel')
    .description('ask the questions of an annotator again under another judge, prompt or goal, as an annotator of its own, and show agreement')
    .argument('<annotator>', 'its id, or how it begins')
    .requiredOption('--with <file>', 'JSON with an annotator as in a job; goal, mode and normalForm default to those of the old one')
    .option('--limit <n>', 'questions at most, the newest first', parsePositive, LIMIT)
    .option('--examples <n>', 'questions with two verdicts that are shown', parsePositive, EXAMPLES)
    .option('--json', 'as JSON')
    .action(relabelCommand);
}

async function relabelCommand(prefix: string, { with: file, limit, examples, json }: RelabelCommandOptions): Promise<void> {
  const store = openStore(storeRoot());
  const from = await findAnnotator(store, prefix);
  const spec = await readSpec(store, from, file);
  const interrupt = watchInterrupt(() => undefined);
  let saidAt = performance.now();
  const onProgress = (answered: number, of: number): void => {
    if (performance.now() - saidAt < PROGRESS_MS) return;
    saidAt = performance.now();
    process.stderr.write(`${answered.toLocaleString('en')} of ${of.toLocaleString('en')} answered\n`);
  };
  try {
    const result = await relabel(store, from, spec, machineResources(), { limit, signal: interrupt.signal, onProgress });
    if (json === true) console.log(JSON.stringify({ from, ...result, comparison: { ...result.comparison, differing: result.comparison.differing.slice(0, examples) } }, null, 2));
    else for (const line of relabelLines(from, result, examples, spec.mode)) console.log(line);
  } finally {
    interrupt.close();
  }
}

/** @throws LaurelError LAUREL_JOB_INVALID */
async function readSpec(store: ObjectStore, from: string, file: string): Promise<AnnotatorSpec> {
  const old = await readJson<AnnotatorDescription>(store, layout.annotator(from));
  const { goal } = (old?.prompt ?? {}) as { goal?: unknown };
  let given: unknown;
  try {
    given = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new LaurelError('LAUREL_JOB_INVALID', `expected JSON with an annotator in ${file}, got: ${(cause as Error).message}`, { file }, { cause });
  }
  const parsed = annotatorSchema.safeParse({ ...(typeof goal === 'string' && { goal }), ...(old && { mode: old.mode, normalForm: old.normalForm ?? 'raw' }), ...(given as object) });
  if (!parsed.success) throw new LaurelError('LAUREL_JOB_INVALID', `expected an annotator as in a job in ${file}: ${z.prettifyError(parsed.error).replaceAll(/\s+/g, ' ')}`, { file });
  return parsed.data;
}

export function relabelLines(from: string, { annotator, made, known, unanswered, comparison }: Relabelled, examples: number, mode: AnnotatorSpec['mode']): string[] {
  const { count, agreement, kappa, confusion, differing } = comparison;
  const names = Object.keys(confusion);
  const width = Math.max(...names.map((name) => name.length), 8) + 2;
  const percent = (share: number | null): string => (share === null ? 'unknown' : `${(100 * share).toFixed(1)} %`);
  const shown = (key: string): string => (mode === 'pairwise' ? Object.values(pairOfKey(key)).map(printable).join('  |  ') : printable(key));
  return [
    `annotator ${annotator}: ${made.toLocaleString('en')} questions answered now, ${known.toLocaleString('en')} before, ${unanswered.toLocaleString('en')} without a verdict`,
    `agreement with ${from}: ${percent(agreement)} of ${count.toLocaleString('en')}, kappa ${kappa === null ? 'unknown' : kappa.toFixed(3)}`,
    '',
    `${'before'.padEnd(width)}  ${names.map((name) => `now ${name}`.padStart(width + 4)).join('')}`,
    ...names.map((a) => `${a.padEnd(width)}  ${names.map((b) => confusion[a]![b]!.toLocaleString('en').padStart(width + 4)).join('')}`),
    ...(differing.length === 0 ? [] : ['', `${differing.length.toLocaleString('en')} differ${differing.length > examples ? `, the farthest apart of them (--examples shows more)` : ''}:`]),
    ...differing.slice(0, examples).map(({ text, a, b }) => `  ${`${a} > ${b}`.padEnd(2 * width + 3)}  ${shown(text)}`),
  ];
}
