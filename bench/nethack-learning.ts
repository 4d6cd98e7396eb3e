/**
 * NetHack without the game's reward: are there more positively labelled distinct messages in an episode of the trained
 * policy than in one of the untrained policy, on the same fifty seeds? `node dist/bench/nethack-learning.js [state folder]`.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveJob } from '../proto/resolve.js';
import { apart, interval, runJob, show, statistic, storeOf } from './learning.js';
import { labelsOfEvaluations, positiveMessages } from './positive-messages.js';

const state = process.argv[2] === undefined ? await mkdtemp(join(tmpdir(), 'laurel-nethack-')) : resolve(process.argv[2]);
const job = JSON.parse(readFileSync(resolve('examples/nethack-reward-free.json'), 'utf8')) as Record<string, unknown>;
const evaluations = await runJob(job, state);
const untrained = evaluations[0]!;
const trained = evaluations[evaluations.length - 1]!;
const store = storeOf(state);
const source = resolveJob(job).sources['helpful'];
if (source?.kind !== 'model') throw new Error('expected a source "helpful" of kind model');
const { threshold } = source.annotator;
const labels = await labelsOfEvaluations(store, source.annotator, [untrained, trained]);

const before = positiveMessages(untrained, labels, threshold);
const after = positiveMessages(trained, labels, threshold);
const row = (name: string, a: readonly number[], b: readonly number[], digits: number): string => `| ${name} | ${show(interval(a), digits)} | ${show(interval(b), digits)} | ${apart(interval(a), interval(b)) ? 'above' : apart(interval(b), interval(a)) ? 'below' : 'not apart'} |`;
console.log(`| per episode | untrained (version ${untrained.policyVersion}) | trained (version ${trained.policyVersion}) | 95 % intervals |`);
console.log('|---|---|---|---|');
console.log(row('positively labelled distinct messages', before.positive, after.positive, 2));
for (const name of ['dungeonLevel', 'experienceLevel', 'gold', 'score', 'exploredSquares']) console.log(row(name, statistic(untrained, name), statistic(trained, name), 2));
console.log(row('length', untrained.episodes.map((episode) => episode.length), trained.episodes.map((episode) => episode.length), 0));
console.log(`\n${untrained.episodes.length} episodes each on the same seeds; ${labels.labels} labels; messages without a label: ${before.unlabelled} untrained, ${after.unlabelled} trained (not counted).`);
process.exitCode = apart(interval(before.positive), interval(after.positive)) ? 0 : 1;
