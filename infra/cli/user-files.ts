/** What a job file names by path is named by its content before it is submitted, and its programs are read once. */
import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import { sharedIsolate } from '../../workers/reward/programs/isolate-client.js';
import { compileSource } from '../../workers/reward/sources/registry.js';
import { digestOf } from '../../workers/store/artifacts.js';

/**
 * The job with an absolute path and a digest for each file of its sources. What is no such file is left to the check of the job.
 * @param folder that relative paths start from
 */
export async function withDigests(input: unknown, folder: string): Promise<unknown> {
  const sources = (input as { sources?: unknown } | null)?.sources;
  if (typeof sources !== 'object' || sources === null) return input;
  const filled = await Promise.all(Object.entries(sources).map(async ([name, source]) => [name, await withDigest(source, folder)] as const));
  return { ...(input as object), sources: Object.fromEntries(filled) };
}

async function withDigest(source: unknown, folder: string): Promise<object> {
  const { kind, file, encoder } = (source ?? {}) as { kind?: unknown; file?: { path?: unknown; digest?: unknown }; encoder?: unknown };
  if (kind === 'embedding' && encoder) return { ...(source as object), encoder: await withDigest({ kind: 'onnx', ...(encoder as object) }, folder).then(({ kind: _kind, ...filled }: { kind?: unknown }) => filled) };
  if (kind !== 'onnx' || typeof file?.path !== 'string') return source as object;
  const path = isAbsolute(file.path) ? file.path : resolve(folder, file.path);
  if (typeof file.digest === 'string') return { ...(source as object), file: { ...file, path } };
  try {
    return { ...(source as object), file: { ...file, path, digest: digestOf(await readFile(path)) } };
  } catch (cause) {
    throw new LaurelError('LAUREL_ASSET_MISSING', `expected the file ${path}, got ${(cause as NodeJS.ErrnoException).code ?? 'an error'}; correct \`file.path\`, or write its digest where the file lies elsewhere`, { path }, { cause });
  }
}

/** A unit that has nothing: what matters is whether the program can be read. */
const NOTHING = JSON.stringify({ text: null, prompt: null, reference: null, truth: null, count: 0, position: 0, env: {}, numbers: {} });

/** @throws LaurelError LAUREL_PROGRAM_INVALID, LAUREL_PROGRAM_REFUSED where a program cannot be read, or imports */
export async function checkPrograms({ sources }: Pick<Job, 'sources'>): Promise<void> {
  for (const [name, source] of Object.entries(sources)) {
    if (source.kind !== 'rule') continue;
    compileSource(name, source);
    if (source.rule.kind !== 'javascript') continue;
    const { program, elements, operationsMax, memoryBytes, stackBytes } = source.rule;
    const [outcome] = await sharedIsolate().run(program, [NOTHING], elements?.length ?? null, { operationsMax, memoryBytes, stackBytes });
    if (outcome && 'code' in outcome && (outcome.code === 'LAUREL_PROGRAM_INVALID' || outcome.code === 'LAUREL_PROGRAM_REFUSED')) throw new LaurelError(outcome.code, `sources.${name}.rule.program: ${outcome.message}`, { source: name });
  }
}
