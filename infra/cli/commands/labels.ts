/** `laurel labels list | show | export | import | relabel`: what annotators answered, from the store alone. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Option, type Command } from 'commander';
import { LaurelError } from '../../../proto/errors.js';
import { LABEL_STATUS, type LabelStatus } from '../../../proto/schemas.js';
import { findAnnotator, listAnnotators, readLabels, type AnnotatorSummary } from '../../../workers/annotator/label-archive.js';
import { humanRecords, rowsOf } from '../../../workers/annotator/human-labels.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { LABEL_FILE_FORMATS, labelFile, parquetRows, textsOf, type LabelFileFormat } from '../../../workers/annotator/label-files.js';
import type { LabelRecord } from '../../../workers/annotator/label-record.js';
import type { AnnotatorDescription } from '../../../workers/annotator/annotator-id.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import { openStore } from '../../../workers/store/open-store.js';
import { parsePositive } from '../arguments.js';
import { storeRoot } from '../../folders.js';
import { printable } from '../../screen/format.js';
import { addRelabel } from './relabel.js';

const SHOWN = 30;
const PARQUET_MARK = 'PAR1';

interface ShowOptions {
  readonly contains?: string;
  readonly status?: LabelStatus;
  readonly positive?: boolean;
  readonly negative?: boolean;
  readonly limit: number;
}

export function addLabels(program: Command): void {
  const labels = program.command('labels').description('what annotators answered, and asking again; needs no server');
  labels.command('list').description('annotators of the store, with counts').option('--json', 'as JSON').action(listCommand);
  labels
    .command('show')
    .description('labels of an annotator, newest first')
    .argument('<annotator>', 'its id, or how it begins')
    .option('--contains <text>', 'only messages that hold this')
    .addOption(new Option('--status <status>', 'only of this status').choices([...LABEL_STATUS]))
    .option('--positive', 'only those above one half')
    .option('--negative', 'only those at most one half')
    .option('--limit <n>', 'how many', parsePositive, SHOWN)
    .action(showCommand);
  labels
    .command('import')
    .description('labels that people made (CSV, JSONL or Parquet with text and label; for pairs text, second and choice): they win over those of models from now on')
    .argument('<annotator>', 'its id, or how it begins')
    .argument('<file>', 'CSV with a header, one JSON object on each line, or Parquet')
    .option('--by <name>', 'who made them', process.env['USER'] ?? 'unnamed')
    .action(importCommand);
  labels
    .command('export')
    .description('all labels of an annotator as a file')
    .argument('<annotator>', 'its id, or how it begins')
    .addOption(new Option('--format <format>', 'file format').choices([...LABEL_FILE_FORMATS]).default('csv'))
    .option('--out <file>', 'where to; default: standard output')
    .action(exportCommand);
  addRelabel(labels);
}

/** Labels of people: columns or keys `text` and `label` (0 to 1). */
async function importCommand(prefix: string, file: string, { by }: { by: string }): Promise<void> {
  const store = openStore(storeRoot());
  const id = await findAnnotator(store, prefix);
  const log = new LabelLog(store, id);
  const description = await readJson<AnnotatorDescription>(store, layout.annotator(id));
  const records = humanRecords(await rowsOfFile(file), file, by, new Date().toISOString(), description?.mode, description?.normalForm);
  const { view, written } = await log.append(records);
  console.log(`${written.ok.toLocaleString('en')} of ${records.length.toLocaleString('en')} labels written (the others stand there already); the log has ${view.labels.toLocaleString('en')} labels`);
}

/** By what the file begins with, not by its name. */
async function rowsOfFile(file: string): Promise<readonly unknown[]> {
  const bytes = await readFile(file);
  if (bytes.subarray(0, 4).toString('latin1') !== PARQUET_MARK) return rowsOf(bytes.toString('utf8'), file);
  return parquetRows(bytes).catch((cause: unknown) => {
    throw new LaurelError('LAUREL_LABELS_INVALID', `expected a whole Parquet file in ${file}, got: ${(cause as Error).message}; nothing was written`, { file }, { cause });
  });
}

async function listCommand({ json }: { json?: boolean }): Promise<void> {
  const annotators = await listAnnotators(openStore(storeRoot()));
  if (json === true) console.log(JSON.stringify(annotators, null, 2));
  else if (annotators.length === 0) console.log('no annotator has been opened in this store yet');
  else for (const one of annotators) for (const line of summaryLines(one)) console.log(line);
}

function summaryLines({ annotator, mode, judge, prompt, counts, positiveShare, tokensIn, tokensOut, askedFirst, askedLast }: AnnotatorSummary): string[] {
  const others = LABEL_STATUS.filter((status) => status !== 'ok' && counts[status] > 0).map((status) => `, ${counts[status].toLocaleString('en')} ${status}`);
  const share = positiveShare === null ? '' : `, ${(100 * positiveShare).toFixed(0)} % positive`;
  return [
    `${annotator}  ${mode}, judge ${printable(String(judge['kind']))}${typeof prompt['goal'] === 'string' ? `, goal: ${printable(prompt['goal'])}` : ''}`,
    `  ${counts.ok.toLocaleString('en')} labels${share}${others.join('')}; ${tokensIn.toLocaleString('en')} tokens in, ${tokensOut.toLocaleString('en')} out${askedFirst === null ? '' : `; ${askedFirst.slice(0, 19)} to ${String(askedLast).slice(0, 19)}`}`,
  ];
}

async function showCommand(prefix: string, options: ShowOptions): Promise<void> {
  const store = openStore(storeRoot());
  const found: LabelRecord[] = [];
  for await (const record of readLabels(store, await findAnnotator(store, prefix))) if (isWanted(record, options)) found.push(record);
  for (const record of found.slice(-options.limit).reverse()) console.log(`${record.label === null ? record.status.padStart(10) : record.label.toFixed(3).padStart(10)}  ${shown(record)}`);
  if (found.length > options.limit) console.log(`(${(found.length - options.limit).toLocaleString('en')} more; --limit shows them)`);
}

function isWanted(record: LabelRecord, { contains, status, positive, negative }: ShowOptions): boolean {
  if (contains !== undefined && !Object.values(textsOf(record)).some((text) => text?.includes(contains) === true)) return false;
  if (status !== undefined && record.status !== status) return false;
  if (positive === true && !(record.label !== null && record.label > 0.5)) return false;
  return !(negative === true && !(record.label !== null && record.label <= 0.5));
}

/** The message; of a pair both, the preferred one marked. */
function shown(record: LabelRecord): string {
  const { text, second } = textsOf(record);
  if (second === null) return printable(text);
  return `${record.choice === 'first' ? '* ' : '  '}${printable(text)}  |  ${record.choice === 'second' ? '* ' : '  '}${printable(second)}`;
}

async function exportCommand(prefix: string, { format, out }: { format: LabelFileFormat; out?: string }): Promise<void> {
  const store = openStore(storeRoot());
  const records = readLabels(store, await findAnnotator(store, prefix));
  // `| head` closes the pipe when it has enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  const target = out === undefined ? process.stdout : createWriteStream(resolve(out));
  await pipeline([...labelFile(records, format), target], { end: out !== undefined });
}
