/** What the systems reached when they were last run for the record: examples/systems/results/<row>-<name>.json. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashOf } from '../../workers/store/artifacts.js';
import { projectRoot } from '../folders.js';
import { jobPathOf } from './registry.js';
import type { Figure, SystemRow } from './system-row.js';

export interface SystemResult {
  readonly row: number;
  readonly name: string;
  /** Of the job file and the variants: a result of another job is not a result. */
  readonly jobs: string;
  readonly figures: readonly Figure[];
  /** From submission to the last summary, all variants together. */
  readonly seconds: number;
}

export function passed(figures: readonly Figure[]): boolean {
  return figures.every((one) => one.holds);
}

/** The job file and its variants, by name. @throws Error where the file is no JSON object */
export function jobsOf(row: SystemRow): Record<string, Readonly<Record<string, unknown>>> {
  const base = JSON.parse(readFileSync(join(projectRoot(), jobPathOf(row)), 'utf8')) as Readonly<Record<string, unknown>>;
  const variants = Object.entries(row.variants ?? {}).map(([name, changes]) => [name, { ...merged(base, changes), name: `${String(base['name'])}-${name}` }] as const);
  return { base, ...Object.fromEntries(variants) };
}

/** What says of which sort an object is. */
const TAGS = ['kind', 'op'] as const;

/** As JSON merge patch (RFC 7396): objects are merged field by field, null removes a field, anything else is replaced; so is an object of another `kind` or `op`. */
export function merged(base: Readonly<Record<string, unknown>>, changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = { ...base };
  for (const [key, change] of Object.entries(changes)) {
    const before = base[key];
    if (change === null) delete result[key];
    else result[key] = isObject(before) && isObject(change) && TAGS.every((tag) => before[tag] === (change[tag] ?? before[tag])) ? merged(before, change) : change;
  }
  return result;
}

export function digestOfJobs(row: SystemRow): string {
  return hashOf(jobsOf(row));
}

export function recordedResult(row: SystemRow): SystemResult | undefined {
  const path = resultPath(row);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as SystemResult) : undefined;
}

export async function recordResult(row: SystemRow, figures: readonly Figure[], seconds: number): Promise<void> {
  const result: SystemResult = { row: row.row, name: row.name, jobs: digestOfJobs(row), figures, seconds: Math.round(seconds * 10) / 10 };
  const path = resultPath(row);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
}

function resultPath({ row, name }: SystemRow): string {
  return join(projectRoot(), 'examples', 'systems', 'results', `${row}-${name}.json`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
