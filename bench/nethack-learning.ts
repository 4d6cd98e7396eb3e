/**
 * NetHack without the game's reward: are there more positively labelled distinct messages in an episode of the trained
 * policy than in one of the untrained policy, on the same fifty seeds? `node dist/bench/nethack-learning.js [state folder]`.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LabelTable } from '../workers/annotator/label-table.js';
import { apart, interval, runJob, show, statistic, storeOf, type StoredEvaluation } from './learning.js';

const state = process.argv[2] === undefined ? await mkdtemp(join(tmpdir(), 'laurel-nethack-')) : resolve(process.argv[2]);
const job = JSON.parse(readFileSync(resolve('examples/nethack-reward-free.json'), 'utf8')) as Record<string, unknown> & { sources: { helpful: { annotator: { threshold?: number } } } };
const evaluations = await runJob(job, state);
const untrained = evaluations[0]!;
const trained = evaluations[evaluations.length - 1]!;
const store = storeOf(state);
const annotators = [...new Set((await store.list('labels/')).map(({ key }) => key.split('/')[1]!))];
if (annotators.length !== 1) throw new Error(`expected the labels of one annotator in ${state}, found ${annotators.length}`);
const labels = await new LabelTable(store, annotators[0]!).head();
const threshold = job.sources.helpful.annotator.threshold ?? 0.5;

/** Distinct messages of each episode that the judge called helpful; unlabelled ones are counted apart, never as negative. */
function counted(evaluation: StoredEvaluation): { positive: number[]; unlabelled: number } {
  let unlabelled = 0;
  const positive = evaluation.episodes.map((episode) => {
    let count = 0;
    for (const [text] of episode.messages) {
      if (text === '') continue;
      const label = labels.get(text);
      if (label === undefined) unlabelled += 1;
      else if (label.probability > threshold) count += 1;
    }
    return count;
  });
  return { positive, unlabelled };
}

const before = counted(untrained);
const after = counted(trained);
const row = (name: string, a: readonly number[], b: readonly number[], digits: number): string => `| ${name} | ${show(interval(a), digits)} | ${show(interval(b), digits)} | ${apart(interval(a), interval(b)) ? 'above' : apart(interval(b), interval(a)) ? 'below' : 'not apart'} |`;
console.log(`| per episode | untrained (version ${untrained.policyVersion}) | trained (version ${trained.policyVersion}) | 95 % intervals |`);
console.log('|---|---|---|---|');
console.log(row('positively labelled distinct messages', before.positive, after.positive, 2));
for (const name of ['dungeonLevel', 'experienceLevel', 'gold', 'score', 'exploredSquares']) console.log(row(name, statistic(untrained, name), statistic(trained, name), 2));
console.log(row('length', untrained.episodes.map((episode) => episode.length), trained.episodes.map((episode) => episode.length), 0));
console.log(`\n${untrained.episodes.length} episodes each on the same seeds; ${labels.labels} labels; messages without a label: ${before.unlabelled} untrained, ${after.unlabelled} trained (not counted).`);
process.exitCode = apart(interval(before.positive), interval(after.positive)) ? 0 : 1;
