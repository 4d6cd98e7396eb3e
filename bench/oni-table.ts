/**
 * The table of ONI's methods: NetHack (score, reward-free, staircase) with three seeds, and the grid world with five, each
 * trained with the game's reward alone, and with every fit. `node dist/bench/oni-table.js <state folder> [--cells <text,...>]
 * [--steps <n>] [--judge scripted] [--record <file>] [--minutes <n>]`. Every cell is a run of its own through the whole pipeline;
 * one that is done, in the state folder or in the record, is not made again, so the table can be made in pieces, on several
 * days: `--cells reward-free` makes the cells whose names hold that text, `--minutes` begins no more after that time, and the
 * table that is printed has all that are done. Small budgets on purpose: two cores, two hours in all.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { resolveJob } from '../proto/resolve.js';
import type { EvaluationRecord } from '../workers/rollout/evaluation-record.js';
import { hashOf } from '../workers/store/artifacts.js';
import { layout } from '../workers/store/layout.js';
import { interval, runJob, show, statistic, storeOf } from './learning.js';
import { labelsOfEvaluations, positiveMessages } from './positive-messages.js';

const METHODS = ['extrinsic', 'retrieval', 'classification', 'ranking', 'bag-of-words', 'offline'] as const;
type Method = (typeof METHODS)[number];

interface World {
  readonly name: string;
  readonly seeds: readonly number[];
  /** Trained transitions of a cell. */
  readonly transitions: number;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly goal: string;
  readonly prompts: Readonly<Record<'pointwise' | 'pairwise', string>>;
  readonly weights: { readonly game: number; readonly helpful: number };
  readonly learn: Readonly<Record<string, unknown>>;
  readonly rollout: Readonly<Record<string, unknown>>;
  readonly policyLagMax: number;
  readonly preset: string;
  /** Labels of the offline data set. */
  readonly labels: number;
  readonly scripted: readonly { readonly pattern: string; readonly probability: number }[];
  readonly statistics: readonly string[];
}

const NETHACK = {
  seeds: [1, 2, 3],
  transitions: 250_000,
  goal: 'kill monsters, gain levels, find gold and descend deeper into the dungeon',
  prompts: { pointwise: 'helpful-v3', pairwise: 'preferred-v1' },
  learn: { batchSegments: 2, epochs: 2, learningRate: 0.001 },
  rollout: { shards: 2, environmentsPerShard: 32, segmentSteps: 32 },
  policyLagMax: 8,
  preset: 'small',
  labels: 256,
  scripted: [{ pattern: 'kill|gold|level|stair|door opens', probability: 0.9 }],
  statistics: ['dungeonLevel', 'experienceLevel'],
} as const;
const WORLDS: readonly World[] = [
  { ...NETHACK, name: 'score', environment: { kind: 'nethack', task: 'score', episodeStepsMax: 1000 }, weights: { game: 0.1, helpful: 1 } },
  { ...NETHACK, name: 'reward-free', environment: { kind: 'nethack', task: 'score', episodeStepsMax: 1000 }, weights: { game: 0, helpful: 1 } },
  { ...NETHACK, name: 'staircase', environment: { kind: 'nethack', task: 'staircase', episodeStepsMax: 1000, level: 2 }, weights: { game: 10, helpful: 1 } },
  {
    name: 'grid',
    seeds: [1, 2, 3, 4, 5],
    transitions: 300_000,
    environment: { kind: 'grid-world' },
    goal: 'find the key, unlock the door, walk through it and reach the goal',
    prompts: { pointwise: 'grid-v2', pairwise: 'preferred-v1' },
    weights: { game: 1, helpful: 0.5 },
    learn: { batchSegments: 1, epochs: 4, learningRate: 0.002 },
    rollout: { shards: 2, environmentsPerShard: 64, segmentSteps: 32 },
    policyLagMax: 16,
    preset: 'tiny',
    labels: 48,
    scripted: [{ pattern: 'pick up|unlock|walk through|goal', probability: 0.9 }],
    statistics: ['success'],
  },
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { cells: { type: 'string' }, steps: { type: 'string' }, judge: { type: 'string', default: 'embedded' }, record: { type: 'string' }, minutes: { type: 'string', default: 'Infinity' } } });
const state = resolve(positionals[0] ?? '.laurel-oni-table');
const wanted = (values.cells ?? '').split(',').filter((text) => text !== '');

/** One cell as a job; a digest of it, and of what its messages are judged by, is part of its name, so that cells of other settings are other runs. */
function jobOf(world: World, method: Method, seed: number): Record<string, unknown> & { name: string } {
  const transitions = values.steps === undefined ? world.transitions : Number(values.steps);
  const mode = method === 'ranking' || method === 'offline' ? 'pairwise' : 'pointwise';
  const judge = values.judge === 'scripted' ? { kind: 'scripted', rules: world.scripted } : { kind: 'embedded', model: 'gemma3-270m' };
  const fit = method === 'extrinsic' ? 'retrieval' : method === 'offline' ? { kind: 'offline', labels: world.labels } : fitOf(method, world);
  const helpful = { kind: 'model', fit, annotator: { goal: world.goal, prompt: world.prompts[mode], mode, judge } };
  const used = method !== 'extrinsic';
  const job = {
    environment: world.environment,
    policy: { preset: world.preset },
    sources: { game: { kind: 'env' }, ...(used ? { helpful } : {}) },
    shape: used ? [{ op: 'episodic-count-decay', on: 'helpful', exponent: 3 }] : [],
    combine: { op: 'linear', weights: used ? world.weights : { game: world.weights.game } },
    learn: world.learn,
    rollout: world.rollout,
    schedule: { policyLagMax: world.policyLagMax },
    evaluate: { episodes: 32, environments: 16 },
    stop: { transitions },
    seed,
  };
  return { name: `${world.name}-${method}-${seed}-${Math.round(transitions / 1000)}k-${hashOf([job, world.goal, world.prompts]).slice(0, 6)}${values.judge === 'scripted' ? '-scripted' : ''}`, ...job };
}

/** The grid world shows some forty different messages: a network learns from fewer of them, and is asked sooner. */
function fitOf(method: Method, world: World): unknown {
  const few = world.name === 'grid';
  if (method === 'classification') return { kind: method, ...(few ? { labelsMin: 24, labelsEvery: 8, heldOut: 0.5 } : { labelsMin: 128 }) };
  return method === 'ranking' ? { kind: method, ...(few ? { labelsMin: 64 } : { labelsMin: 192 }) } : method;
}

/** Per episode of the final policy, one list for each column. */
async function measured(world: World, evaluation: EvaluationRecord): Promise<Record<string, number[]>> {
  const reference = resolveJob(jobOf(world, 'retrieval', 1)).sources['helpful'];
  if (reference?.kind !== 'model') throw new Error('expected a source of kind model');
  const labels = await labelsOfEvaluations(storeOf(state), reference.annotator, [evaluation]);
  return {
    return: evaluation.episodes.map((episode) => episode.returns[0] ?? Number.NaN),
    ...Object.fromEntries(world.statistics.map((name) => [name, statistic(evaluation, name)])),
    'distinct positive messages': positiveMessages(evaluation, labels, reference.annotator.threshold).positive,
  };
}

/** Means of the final policy's episodes by the name of the cell. */
type Cells = Record<string, Record<string, number>>;

async function recorded(): Promise<Cells> {
  if (values.record === undefined || !existsSync(values.record)) return {};
  return JSON.parse(await readFile(values.record, 'utf8')) as Cells;
}

const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;

const cells = await recorded();
const endsAtMs = performance.now() + Number(values.minutes) * 60_000;

/** Of a cell that is done, or wanted and there is time for it. */
async function cellOf(world: World, method: Method, seed: number): Promise<Record<string, number> | undefined> {
  const job = jobOf(world, method, seed);
  const isWanted = wanted.length === 0 || wanted.some((text) => job.name.includes(text));
  if (cells[job.name] !== undefined) return cells[job.name];
  const isDone = await storeOf(state).exists(layout.summary(job.name));
  if (!isDone && (!isWanted || performance.now() > endsAtMs)) return undefined;
  const begun = performance.now();
  const evaluation = (await runJob(job, state)).at(-1);
  if (evaluation === undefined) throw new Error(`expected an evaluation of ${job.name}`);
  const means = Object.fromEntries(Object.entries(await measured(world, evaluation)).map(([name, list]) => [name, mean(list)]));
  if (!isDone) console.error(`${job.name}: ${((performance.now() - begun) / 1000).toFixed(0)} s; ${Object.entries(means).map(([name, value]) => `${name} ${value.toFixed(2)}`).join(', ')}`);
  cells[job.name] = means;
  if (values.record !== undefined) await writeFile(values.record, `${JSON.stringify(cells, null, 1)}\n`);
  return means;
}

for (const world of WORLDS) {
  const rows: string[] = [];
  let columns: string[] = [];
  for (const method of METHODS) {
    const bySeed: Record<string, number>[] = [];
    for (const seed of world.seeds) {
      const means = await cellOf(world, method, seed);
      if (means === undefined) continue;
      columns = Object.keys(means);
      bySeed.push(means);
    }
    // The unit is the seed: an interval over the episodes of one policy would say nothing of the method.
    if (bySeed.length > 0) rows.push(`| ${method} | ${bySeed.length} | ${columns.map((name) => cell(bySeed.map((one) => one[name] ?? Number.NaN))).join(' | ')} |`);
  }
  if (rows.length === 0) continue;
  console.log(`\n### ${world.name}\n`);
  console.log(`| rewards from | seeds | ${columns.join(' | ')} |`);
  console.log(`|---|---|${columns.map(() => '---|').join('')}`);
  for (const row of rows) console.log(row);
}

/** Mean over seeds and its 95 % interval; of one seed there is no interval. */
function cell(means: readonly number[]): string {
  return means.length === 1 ? (means[0] ?? Number.NaN).toFixed(2) : show(interval(means));
}
