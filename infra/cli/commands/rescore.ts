/** `laurel rescore <run>`: compares fits or annotators on the stored messages of a run, without playing again. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { LaurelError } from '../../../proto/errors.js';
import { TASK_QUEUES, type RescoringResult } from '../../../proto/activities.js';
import type { Job } from '../../../proto/job.js';
import { readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { openStore } from '../../../workers/store/open-store.js';
import { storedAt } from '../../../workers/store/store-location.js';
import { storeRoot } from '../../folders.js';
import { printable } from '../../screen/format.js';
import { parsePositive } from '../arguments.js';
import { Crew } from '../crew.js';
import { Client } from '@temporalio/client';
import { openServer } from '../server.js';

interface RescoreOptions {
  readonly source?: string;
  readonly fits?: string;
  readonly with?: string;
  readonly segments: number;
  readonly seed: number;
  readonly annotate?: boolean;
}

const SEGMENTS = 32;
const EXAMPLES_SHOWN = 5;

export function addRescore(program: Command): void {
  program
    .command('rescore')
    .description('compare ways to reward the stored messages of a run: correlation, agreement, share of changed sign, examples')
    .argument('<run>', 'id of the run')
    .option('--source <name>', 'source of kind model in its job; default: the first')
    .option('--fits <names>', 'fits of that source to compare it with, as retrieval,classification,bag-of-words')
    .option('--with <file>', 'JSON with model sources by name to compare it with: {"other": {"fit": ..., "annotator": ...}}')
    .option('--segments <n>', 'segments looked at, drawn', parsePositive, SEGMENTS)
    .option('--seed <seed>', 'seed of the draw', parsePositive, 1)
    .option('--annotate', 'ask the annotators about the messages of these segments first')
    .action(rescoreCommand);
}

async function rescoreCommand(run: string, options: RescoreOptions): Promise<void> {
  const store = openStore(storeRoot());
  const input = { run, segments: options.segments, seed: options.seed, annotate: options.annotate === true, variants: await variantsOf(store, run, options) };
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const server = await openServer({ onEvent: say });
  const crew = new Crew(server.target, say, ['workflows', 'annotator', 'reward']);
  try {
    crew.start();
    const client = new Client({ connection: server.connection, namespace: server.target.namespace });
    const handle = await client.workflow.start('rescoringRun', { workflowId: `rescore-${run}-${Date.now().toString(36)}`, taskQueue: TASK_QUEUES.workflows, args: [input], staticSummary: input.variants.map(({ name }) => name).join(', ') });
    const result = (await handle.result()) as RescoringResult;
    for (const line of describe(result)) console.log(line);
    for (const line of await examplesOf(store, result.artifact.key)) console.log(line);
    console.log(`\nwhole: ${storedAt(storeRoot(), result.artifact.key)}`);
  } finally {
    await crew.stop();
    await server.close();
  }
}

/** @throws LaurelError LAUREL_STORE_MISSING, LAUREL_JOB_INVALID */
async function variantsOf(store: ObjectStore, run: string, options: RescoreOptions): Promise<{ name: string; source: unknown }[]> {
  const job = await readJson<Job>(store, layout.spec(run));
  if (job === undefined) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${layout.spec(run)} in the store ${storeRoot()}, found nothing; check the name of the run`, { run });
  const sources = Object.entries(job.sources).filter(([, source]) => source.kind === 'model');
  const [name, spec] = sources.find(([one]) => options.source === undefined || one === options.source) ?? [];
  if (name === undefined || spec?.kind !== 'model') throw new LaurelError('LAUREL_JOB_INVALID', `expected a source of kind model in the job of ${run}, it has ${sources.map(([one]) => one).join(', ') || 'none'}`, { run });
  const { kind: _kind, ...source } = spec;
  const variants: { name: string; source: unknown }[] = [{ name, source }];
  for (const fit of (options.fits ?? '').split(',').filter((one) => one !== '')) variants.push({ name: `${name}-${fit}`, source: { ...source, fit } });
  if (options.with !== undefined) {
    const others = JSON.parse(await readFile(options.with, 'utf8')) as Record<string, unknown>;
    for (const [other, otherSource] of Object.entries(others)) variants.push({ name: other, source: otherSource });
  }
  return variants;
}

function describe({ transitions, summaries, comparisons }: RescoringResult): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    `${transitions.toLocaleString('en')} transitions with a message`,
    '',
    '| reward | known | mean | above 0 |',
    '|---|---|---|---|',
    ...summaries.map((one) => `| ${one.name} | ${percent(one.known / Math.max(1, one.known + one.unknown))} | ${one.mean.toFixed(3)} | ${percent(one.positiveShare)} |`),
    '',
    '| compared | both known | correlation | equal | sign changed | mean difference |',
    '|---|---|---|---|---|---|',
    ...comparisons.map((one) => `| ${one.a} and ${one.b} | ${one.both.toLocaleString('en')} | ${one.correlation === null ? 'none' : one.correlation.toFixed(3)} | ${percent(one.agreement)} | ${percent(one.signChanged)} | ${one.meanDifference.toFixed(3)} |`),
  ];
}

async function examplesOf(store: ObjectStore, key: string): Promise<string[]> {
  const body = await readJson<{ examples: Record<string, { text: string; count: number; a: number; b: number }[]> }>(store, key);
  return Object.entries(body?.examples ?? {}).flatMap(([pair, found]) => [
    ...(found.length === 0 ? [] : ['', `${pair}, where they differ most:`]),
    ...found.slice(0, EXAMPLES_SHOWN).map(({ text, count, a, b }) => `  ${a.toFixed(2)} / ${b.toFixed(2)}  ${String(count).padStart(6)} times  ${printable(text)}`),
  ]);
}
