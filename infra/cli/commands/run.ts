/** `laurel run <job>`: fetch, server, workers, submit, watch to the end. What `npm start` does. */
import type { Command } from 'commander';
import type { RunResult, RunStatus } from '../../../proto/status.js';
import { canonicalJson, readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { openStore } from '../../../workers/store/open-store.js';
import { S3Store } from '../../../workers/store/s3-store.js';
import { storedAt } from '../../../workers/store/store-location.js';
import { ensureAsset } from '../../../workers/assets/index.js';
import { runPage } from '../../devserver/connection.js';
import { stateFolder, storeRoot } from '../../folders.js';
import { openScreen, type Screen } from '../../screen/live-screen.js';
import { evaluationRows } from '../../screen/model-lines.js';
import { evaluationTable, segmentsText } from '../../screen/screen-lines.js';
import { progressView } from '../asset-progress.js';
import { Crew } from '../crew.js';
import { followRun } from '../follow.js';
import { watchInterrupt } from '../interrupt.js';
import { assetsOf, prepareEnvironment, readJobFile, warningLines, type JobFile } from '../job-file.js';
import { chooseRun, RunMemory, type RunChoice } from '../run-choice.js';
import { RunClient } from '../run-client.js';
import { openServer, type OpenServer } from '../server.js';

export interface RunOptions {
  readonly fresh?: boolean;
  readonly id?: string;
}

/** The newest, with their intervals; all are in the report. */
const EVALUATIONS_SAID = 3;

export function addRun(program: Command): void {
  program
    .command('run')
    .description('do everything for one job: fetch what it needs, start server and workers, submit, show, wait')
    .argument('<job>', 'job file (JSON); - for standard input')
    .option('--fresh', 'start a new run instead of going on with the last one of this job')
    .option('--id <run>', 'id of the run; default: the name of the job')
    .action(async (path: string, options: RunOptions) => runCommand(path, options));
}

async function runCommand(path: string, options: RunOptions): Promise<void> {
  const file = await readJobFile(path);
  for (const line of warningLines(file.job)) console.error(line);
  const store = openStore(storeRoot());
  // Workers would say so too, after minutes of trying again.
  if (store instanceof S3Store) await store.check();
  const finished = await finishedBefore(file, options, store);
  if (finished !== undefined) return sayFinished(finished);

  let crew: Crew | undefined;
  const interrupt = watchInterrupt(() => crew?.kill());
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const events: string[] = [];
  let screen: Screen | undefined;
  const onEvent = (text: string): void => {
    events.push(text);
    if (events.length > 64) events.shift();
    if (!process.stdout.isTTY) screen?.say(text);
  };
  let server: OpenServer | undefined;
  try {
    server = await fetchAndOpen(file, interrupt.signal, onEvent);
    say(server.note);
    const client = new RunClient(server.connection, server.target.namespace);
    const choice = await settleRun(client, store, file, options, say);
    if (choice === undefined) return;
    crew = new Crew(server.target, onEvent);
    crew.start();
    if (choice.kind === 'new') await client.submit(choice.run, file.input, file.job);
    await new RunMemory(stateFolder()).remember(file.job.name, choice.run);
    const page = runPage(server.target, choice.run);
    say(`run ${choice.run}${page === undefined ? '' : `: ${page}`}`);
    screen = openScreen();
    const team = crew;
    const followed = await followRun({ client, run: choice.run, screen, page, workers: () => team.view(), events, signal: interrupt.signal });
    screen.close();
    if (followed.kind === 'ended') sayEnd(followed.result, followed.status, say);
    else say(`\nstopping workers${server.note.startsWith('development') ? ' and server' : ''}; the run ${choice.run} is kept and goes on with the next start (again Ctrl-C: at once)`);
  } finally {
    screen?.close();
    await crew?.stop();
    await server?.close();
    interrupt.close();
  }
}

/** Fetches what the job needs and opens the server, both at once: the first start is long enough. */
async function fetchAndOpen(file: JobFile, signal: AbortSignal, onEvent: (text: string) => void): Promise<OpenServer> {
  const view = progressView();
  const onProgress = view.report.bind(view);
  const fetching = Promise.all([...assetsOf(file.job).map((definition) => ensureAsset(definition, { onProgress, signal })), prepareEnvironment(file.job, onProgress)]);
  const opening = openServer({ onProgress, onEvent });
  try {
    const [server] = await Promise.all([opening, fetching]);
    return server;
  } catch (error) {
    await opening.then((server) => server.close()).catch(() => undefined);
    throw error;
  } finally {
    view.stop();
  }
}

/** A run of an earlier start that is over needs no server to say so. */
async function finishedBefore(file: JobFile, options: RunOptions, store: ObjectStore): Promise<string | undefined> {
  if (options.fresh === true) return undefined;
  const run = await wishedRun(file, options);
  return (await store.exists(layout.summary(run))) ? run : undefined;
}

async function wishedRun(file: JobFile, options: RunOptions): Promise<string> {
  return options.id ?? (await new RunMemory(stateFolder()).last(file.job.name)) ?? file.job.name;
}

function sayFinished(run: string): void {
  console.log(`the run ${run} is finished; its report: ${storedAt(storeRoot(), layout.report(run))}`);
  console.log('start a new one with --fresh (npm start -- --fresh)');
}

/** Undefined where there is nothing to run; it has been said why. */
async function settleRun(client: RunClient, store: ObjectStore, file: JobFile, options: RunOptions, say: (text: string) => void): Promise<Extract<RunChoice, { kind: 'new' | 'continue' }> | undefined> {
  const wish = { run: await wishedRun(file, options), jobName: options.id ?? file.job.name, fresh: options.fresh === true };
  const choice = await chooseRun(wish, (run) => client.facts(run, store));
  if (choice.kind === 'finished') {
    sayFinished(choice.run);
    return undefined;
  }
  if (choice.kind === 'closed') {
    say(`the run ${choice.run} cannot go on: ${choice.why}; start a new one with --fresh (npm start -- --fresh)`);
    process.exitCode = 1;
    return undefined;
  }
  if (choice.kind === 'continue') {
    say(`going on with the run ${choice.run} (a new one: --fresh)`);
    const began = await readJson<unknown>(store, layout.spec(choice.run));
    const changed = began !== undefined && canonicalJson(began) !== canonicalJson(file.job);
    if (changed) say('  the job file has changed since; the run goes on with the job that it began with');
  } else if (choice.supersedes !== undefined) {
    await client.handle(choice.supersedes).cancel();
    say(`the run ${choice.supersedes} was still open and is cancelled; what it made stays in the store`);
  }
  return choice;
}

function sayEnd(result: RunResult, status: RunStatus | undefined, say: (text: string) => void): void {
  const folder = storedAt(storeRoot(), `runs/${result.run}`);
  if (status?.steps !== undefined) return sayModelEnd(result, status, folder, say);
  say(`\n${result.run} ${result.outcome}: version ${result.version}, ${result.transitionsTrained.toLocaleString('en')} transitions trained`);
  say(`  segments    ${segmentsText({ ledger: result.ledger, segmentsQueued: 0 })}`);
  evaluationTable((status?.evaluations ?? []).slice(-EVALUATIONS_SAID)).forEach((line, index) => say(`  ${index === 0 ? 'evaluation' : '          '}  ${line}`));
  say(`  report      ${folder}/report.html`);
  say(`  summary     ${folder}/summary.json`);
  say(`  metrics     ${folder}/metrics.jsonl`);
  say(`  policy      ${folder}/checkpoints`);
}

function sayModelEnd(result: RunResult, status: RunStatus, folder: string, say: (text: string) => void): void {
  say(`\n${result.run} ${result.outcome}: ${result.version.toLocaleString('en')} optimiser steps, ${status.evaluations.length} evaluations`);
  for (const [name, text] of evaluationRows(status)) say(`  ${name.padEnd(20)}  ${text}`);
  say(`  report                ${folder}/report.html`);
  say(`  summary               ${folder}/summary.json`);
  if (status.steps?.some(({ kind }) => kind === 'fit') === true) say(`  models                ${folder}/models`);
}
