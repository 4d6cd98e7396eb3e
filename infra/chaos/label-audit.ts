/** Whether the label logs of a store hold what the judge said: nothing twice, nothing altered, nothing invented, nothing lost. */
import type { Job } from '../../proto/job.js';
import { textKey } from '../../workers/annotator/label-record.js';
import { promptOf } from '../../workers/annotator/prompts/registry.js';
import { readLabels } from '../../workers/annotator/label-archive.js';
import { readJson } from '../../workers/store/artifacts.js';
import { layout } from '../../workers/store/layout.js';
import type { ObjectStore } from '../../workers/store/object-store.js';
import { questionOf, verdictOf, type JudgeEntry } from './fault-judge.js';

export interface LabelAudit {
  readonly labels: number;
  /** Attempts that brought no verdict and are on record as such. */
  readonly unanswered: number;
  /** Verdicts that the judge gave to a process that was killed or asleep before it had read them. */
  readonly unread: number;
  readonly faults: readonly string[];
}

/** @param lossExcused whether this verdict may be missing */
export async function auditLabels(store: ObjectStore, run: string, journal: readonly JudgeEntry[], lossExcused: (entry: JudgeEntry) => boolean): Promise<LabelAudit> {
  const job = await readJson<Job>(store, layout.spec(run));
  if (!job) return { labels: 0, unanswered: 0, unread: 0, faults: [`${layout.spec(run)} is missing`] };
  const faults: string[] = [];
  const answered = new Map<string, JudgeEntry>();
  for (const entry of journal) if (entry.outcome === 'answered') answered.set(entry.question, entry);
  let labels = 0;
  let unanswered = 0;
  for (const { key } of await store.list('annotators/')) {
    const annotator = key.slice('annotators/'.length, -'.json'.length);
    const description = await readJson<{ prompt: { goal: string } }>(store, key);
    const source = Object.values(job.sources).find((one) => one.kind === 'model' && one.annotator.goal === description?.prompt.goal);
    if (source?.kind !== 'model') {
      faults.push(`annotator ${annotator} belongs to no source of the job`);
      continue;
    }
    const prompt = promptOf(source.annotator);
    const known = new Set<string>();
    for await (const record of readLabels(store, annotator)) {
      if (record.status !== 'ok') {
        unanswered++;
        continue;
      }
      labels++;
      const name = textKey(record.text);
      if (known.has(name)) faults.push(`${annotator} labels ${JSON.stringify(name)} a second time`);
      known.add(name);
      const question = questionOf(prompt.chat(record.text));
      if (Math.abs((record.label ?? -1) - verdictOf(question)) > 1e-5) faults.push(`${annotator} says ${record.label} of ${JSON.stringify(question)}, the judge says ${verdictOf(question)}`);
      if (!answered.has(question)) faults.push(`${annotator} has a label for ${JSON.stringify(question)}, which the judge never answered`);
      answered.delete(question);
    }
  }
  let unread = 0;
  for (const [question, entry] of answered) {
    if (lossExcused(entry)) unread++;
    else faults.push(`the judge answered ${JSON.stringify(question)}, no log has it`);
  }
  return { labels, unanswered, unread, faults };
}
