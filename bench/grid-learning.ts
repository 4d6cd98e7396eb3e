/**
 * Does the policy learn from the model's feedback? The shipped grid-world job with its annotator, against the same job
 * with the weight of the annotator at 0: five seeds each. Prints a table; `node dist/bench/grid-learning.js [state folder]`.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { apart, interval, runJob, show, statistic } from './learning.js';

const SEEDS = [1, 2, 3, 4, 5];

const state = process.argv[2] === undefined ? await mkdtemp(join(tmpdir(), 'laurel-grid-')) : resolve(process.argv[2]);
const job = JSON.parse(readFileSync(resolve('examples/grid-world.json'), 'utf8')) as Record<string, unknown> & { combine: { weights: Record<string, number> } };
const success: Record<'on' | 'off', number[]> = { on: [], off: [] };
for (const seed of SEEDS) {
  for (const annotator of ['on', 'off'] as const) {
    const weights = annotator === 'on' ? job.combine.weights : { ...job.combine.weights, helpful: 0 };
    const evaluations = await runJob({ ...job, name: `grid-${annotator}-${seed}`, seed, combine: { ...job.combine, weights } }, state);
    const trained = evaluations[evaluations.length - 1]!;
    const share = interval(statistic(trained, 'success')).mean;
    success[annotator].push(share);
    console.error(`seed ${seed}, annotator ${annotator}: success ${(100 * share).toFixed(1)} % of ${trained.episodes.length} episodes at version ${trained.policyVersion}`);
  }
}
const on = interval(success.on.map((share) => 100 * share));
const off = interval(success.off.map((share) => 100 * share));
console.log('| annotator | success by seed, % | mean and 95 % interval, % |');
console.log('|---|---|---|');
console.log(`| on | ${success.on.map((share) => (100 * share).toFixed(0)).join(', ')} | ${show(on, 1)} |`);
console.log(`| weight 0 | ${success.off.map((share) => (100 * share).toFixed(0)).join(', ')} | ${show(off, 1)} |`);
console.log(`\nDifference ${(on.mean - off.mean).toFixed(1)} points; intervals ${apart(off, on) ? 'apart' : 'not apart'}.`);
process.exitCode = on.mean - off.mean >= 20 && apart(off, on) ? 0 : 1;
