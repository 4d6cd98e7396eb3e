/** Reading a job file, and what a job needs on this machine. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LaurelError } from '../../proto/errors.js';
import { membersOf } from '../../proto/judges.js';
import { isModelJob, resolveAnyJob, warningsOf, type AnyJob } from '../../proto/resolve.js';
import { ASSETS, type AssetDefinition, type OnProgress } from '../../workers/assets/index.js';
import { gymnasiumSpaces } from '../../workers/rollout/environments/gymnasium/gymnasium-group.js';
import { checkPrograms, withDigests } from './user-files.js';

export interface JobFile {
  /** What stands in the file; this is what is submitted. */
  readonly input: unknown;
  /** The same with all defaults. */
  readonly job: AnyJob;
}

/**
 * Reads and checks a job. `-` is standard input.
 * @throws LaurelError LAUREL_JOB_INVALID, LAUREL_ASSET_MISSING, LAUREL_PROGRAM_INVALID, LAUREL_PROGRAM_REFUSED
 */
export async function readJobFile(path: string): Promise<JobFile> {
  let text: string;
  try {
    text = path === '-' ? await readAll(process.stdin) : await readFile(path, 'utf8');
  } catch (cause) {
    throw new LaurelError('LAUREL_JOB_INVALID', `expected a job file at ${path}, got ${(cause as NodeJS.ErrnoException).code ?? 'an error'}; give the path of a JSON file, for example examples/nethack-oni.json`, { path }, { cause });
  }
  let input: unknown;
  try {
    input = JSON.parse(text);
  } catch (cause) {
    throw new LaurelError('LAUREL_JOB_INVALID', `expected JSON in ${path}, got: ${(cause as Error).message}${placeOf(cause as Error, text)}`, { path }, { cause });
  }
  const file = resolveJobFile(await withDigests(input, path === '-' ? process.cwd() : dirname(resolve(path))));
  if (!isModelJob(file.job)) await checkPrograms(file.job);
  return file;
}

/** @throws LaurelError LAUREL_JOB_INVALID */
export function resolveJobFile(input: unknown): JobFile {
  return { input, job: resolveAnyJob(input) };
}

/** What the job may do, but hardly means to: one line each. */
export function warningLines(job: AnyJob): string[] {
  return warningsOf(job).map(({ path, message, code }) => `warning ${code ?? ''}  ${path}: ${message}`);
}

/** What a job needs that is fetched. */
export function assetsOf(job: AnyJob): AssetDefinition[] {
  if (isModelJob(job)) return [];
  const needed: AssetDefinition[] = [];
  if (job.environment.kind === 'nethack') needed.push(ASSETS.nethack);
  const judges = Object.values(job.sources).flatMap((source) => (source.kind === 'model' ? membersOf(source.annotator.judge) : source.kind === 'judge' ? membersOf(source.judge) : []));
  if (judges.some((judge) => judge.kind === 'embedded' && judge.model === 'gemma3-270m')) needed.push(ASSETS['gemma3-270m']);
  return needed;
}

/**
 * Makes ready what no asset is: the Python environment of a Gymnasium job, and asks it whether it knows the environment.
 * @throws LaurelError LAUREL_ASSET_MISSING, LAUREL_ENVIRONMENT_FAILED, LAUREL_ENVIRONMENT_UNKNOWN
 */
export async function prepareEnvironment(job: AnyJob, onProgress: OnProgress): Promise<void> {
  if (isModelJob(job) || job.environment.kind !== 'gymnasium') return;
  const { id } = job.environment;
  onProgress({ asset: 'gymnasium', phase: 'build', note: `a Python environment with Gymnasium, and ${id} in it` });
  await gymnasiumSpaces(job.environment);
  onProgress({ asset: 'gymnasium', phase: 'ready', note: `${id} can be played` });
}

/** Line and column of a JSON error; Node names the position only. */
function placeOf(error: Error, text: string): string {
  const position = /position (\d+)/.exec(error.message)?.[1];
  if (position === undefined || /line \d+/.test(error.message)) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece as Uint8Array));
  return Buffer.concat(pieces).toString('utf8');
}
