/**
 * NetHack without the game's reward: are there more positively labelled distinct messages in an episode of the trained
 * policy than in one of the untrained policy, on the same fifty seeds? `node dist/bench/nethack-learning.js [state folder]`.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { resolveJob } from '../proto/resolve.js';
import { createJudge } from '../workers/annotator/judges/create-judge.js';
import { LabelLog } from '../workers/annotator/label-log.js';
import { textOfKey, type LabelRecord } from '../workers/annotator/label-record.js';
import { promptOf } from '../workers/annotator/prompts/registry.js';
import { ASSETS, requireAsset } from '../workers/assets/index.js';
import type { EvaluationRecord } from '../workers/rollout/evaluation-record.js';
import { apart, interval, runJob, show, statistic, storeOf } from './learning.js';

const state = process.argv[2] === undefined ? await mkdtemp(join(tmpdir(), 'laurel-nethack-')) : resolve(process.argv[2]);
const job = JSON.parse(readFileSync(resolve('examples/nethack-reward-free.json'), 'utf8')) as Record<string, unknown> & { sources: { helpful: { annotator: { threshold?: number } } } };
const evaluations = await runJob(job, state);
const untrained = evaluations[0]!;
const trained = evaluations[evaluations.length - 1]!;
const store = storeOf(state);
const annotators = [...new Set((await store.list('labels/')).map(({ key }) => key.split('/')[1]!))];
if (annotators.length !== 1) throw new Error(`expected the labels of one annotator in ${state}, found ${annotators.length}`);
const log = new LabelLog(store, annotators[0]!);
await labelTheRest(log, [...untrained.messages, ...trained.messages]);
const labels = await log.table.head();
const threshold = job.sources.helpful.annotator.threshold ?? 0.5;

/** Asks the run's own judge about messages that only the evaluations saw, so that none is left out of the count. */
async function labelTheRest(log: LabelLog, messages: readonly string[]): Promise<void> {
  const known = await log.table.head();
  const asked = [...new Set(messages)].filter((text) => text !== '' && known.get(text) === undefined).map(textOfKey);
  const source = resolveJob(job).sources['helpful'];
  if (source?.kind !== 'model') throw new Error('expected a source "helpful" of kind model');
  const prompt = promptOf(source.annotator);
  const judge = await createJudge(source.annotator.judge, prompt, { modelPath: async () => (await requireAsset(ASSETS['gemma3-270m']))['model']!, secret: (name) => process.env[name] });
  const records: LabelRecord[] = [];
  for await (const outcome of judge.ask(asked, { signal: new AbortController().signal })) {
    if (outcome.kind === 'unavailable') throw outcome.error;
    const { text, answer } = outcome;
    records.push({ text, status: answer.status, label: answer.label, reply: answer.reply, model: judge.id, promptHash: prompt.hash, tokensIn: answer.tokensIn, tokensOut: answer.tokensOut, latencyMs: answer.latencyMs, attempt: 1, askedAt: new Date().toISOString() });
  }
  await log.append(records);
  await judge.dispose();
  console.error(`${records.length} messages of the evaluations labelled afterwards`);
}

/** Distinct messages of each episode that the judge called helpful; unlabelled ones are counted apart, never as negative. */
function counted(evaluation: EvaluationRecord): { positive: number[]; unlabelled: number } {
  let unlabelled = 0;
  const positive = evaluation.episodes.map((episode) => {
    let count = 0;
    for (const [index] of episode.messageCounts) {
      const text = evaluation.messages[index]!;
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
