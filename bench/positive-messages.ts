/** How many distinct messages of an episode a judge calls helpful: the measure of the tables that train without the game's reward. */
import { describeAnnotator, writeDescription } from '../workers/annotator/annotator-id.js';
import { judgeOf } from '../workers/annotator/judges/create-judge.js';
import { LabelLog } from '../workers/annotator/label-log.js';
import { textOfKey, type LabelRecord } from '../workers/annotator/label-record.js';
import type { LabelView } from '../workers/annotator/label-table.js';
import { promptOf } from '../workers/annotator/prompts/registry.js';
import { ASSETS, requireAsset } from '../workers/assets/index.js';
import type { AnnotatorSpec } from '../proto/judges.js';
import type { EvaluationRecord } from '../workers/rollout/evaluation-record.js';
import type { ObjectStore } from '../workers/store/object-store.js';

/** Labels of all messages of the evaluations: those that the run's judge has not seen are asked now, so that none is left out. */
export async function labelsOfEvaluations(store: ObjectStore, spec: AnnotatorSpec, evaluations: readonly EvaluationRecord[]): Promise<LabelView> {
  const prompt = promptOf(spec);
  const judge = await judgeOf(spec, prompt, { modelPath: async () => (await requireAsset(ASSETS['gemma3-270m']))['model']!, secret: (name) => process.env[name] });
  const description = describeAnnotator(spec, judge, prompt);
  await writeDescription(store, description);
  const log = new LabelLog(store, description.annotator);
  const known = await log.table.head();
  const asked = [...new Set(evaluations.flatMap(({ messages }) => messages))].filter((text) => text.trim() !== '' && known.get(text) === undefined).map(textOfKey);
  const records: LabelRecord[] = [];
  for await (const outcome of judge.ask(asked, { signal: new AbortController().signal })) {
    if (outcome.kind === 'unavailable') throw outcome.error;
    const { text, answer } = outcome;
    records.push({ text, status: answer.status, label: answer.label, reply: answer.reply, model: judge.id, promptHash: prompt.hash, tokensIn: answer.tokensIn, tokensOut: answer.tokensOut, latencyMs: answer.latencyMs, attempt: 1, askedAt: new Date().toISOString() });
  }
  await log.append(records);
  await judge.dispose();
  if (records.length > 0) console.error(`${records.length} messages of the evaluations labelled afterwards`);
  return log.table.head();
}

/** Distinct messages of each episode above the threshold; unlabelled ones are counted apart, never as negative. */
export function positiveMessages(evaluation: EvaluationRecord, labels: LabelView, threshold: number): { positive: number[]; unlabelled: number } {
  let unlabelled = 0;
  const positive = evaluation.episodes.map((episode) => {
    let count = 0;
    for (const [index] of episode.messageCounts) {
      const text = evaluation.messages[index]!;
      if (text.trim() === '') continue;
      const label = labels.get(text);
      if (label === undefined) unlabelled += 1;
      else if (label.probability > threshold) count += 1;
    }
    return count;
  });
  return { positive, unlabelled };
}
