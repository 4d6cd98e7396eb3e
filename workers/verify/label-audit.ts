/** Whether the label logs of a store are whole, and hold what the judge said: nothing twice, nothing altered, nothing invented, nothing lost. */
import type { Job } from '../../proto/job.js';
import { AnswerSpool } from '../annotator/answer-spool.js';
import { LabelEntries } from '../annotator/label-entries.js';
import { decodeRecords, HUMAN, textKey, type LabelRecord } from '../annotator/label-record.js';
import { promptOf } from '../annotator/prompts/registry.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { mayBeUnread, type AskerTroubles, type JudgeEntry } from './judge-audit.js';

/** A judge whose verdicts can be asked for again, and what it wrote down. */
export interface JudgeEvidence {
  readonly journal: readonly JudgeEntry[];
  readonly troubles: AskerTroubles;
  /** The question of a journal as the chat of a prompt makes it. */
  readonly questionOf: (messages: readonly { readonly content: string }[]) => string;
  /** Its verdict on a question, 0..1. */
  readonly verdictOf: (question: string) => number;
  /** Folder with answers that processes had read and not yet logged when they ended: the next one logs them. */
  readonly spool?: string;
}

export interface LabelAudit {
  readonly labels: number;
  /** Attempts that brought no verdict and are on record as such. */
  readonly unanswered: number;
  /** Verdicts that the judge gave to a process that was killed or asleep before it had read them. */
  readonly unread: number;
  /** Verdicts that were read and wait in the spool for the next process. */
  readonly kept: number;
  readonly faults: readonly string[];
}

/** @param judge null: the logs are held to themselves alone */
export async function auditLabels(store: ObjectStore, jobs: readonly Job[], judge: JudgeEvidence | null): Promise<LabelAudit> {
  const faults: string[] = [];
  const answered = new Map<string, JudgeEntry>();
  for (const entry of judge?.journal ?? []) if (entry.outcome === 'answered') answered.set(entry.question, entry);
  let labels = 0;
  let unanswered = 0;
  let kept = 0;
  for (const { key } of await store.list(layout.annotators)) {
    const annotator = key.slice(layout.annotators.length, -'.json'.length);
    const question = judge && (await questionsOf(store, key, jobs, judge));
    const known = new Set<string>();
    const entries = new LabelEntries(store, annotator);
    const end = await entries.count();
    for (let position = 0; position < end; position++) {
      const entry = layout.label(annotator, position);
      for (const record of await recordsOf(entries, position, faults)) {
        if (record.status !== 'ok') {
          unanswered++;
          continue;
        }
        labels++;
        if (record.model === HUMAN) continue;
        const name = textKey(record.text);
        if (known.has(name)) faults.push(`${entry} labels ${JSON.stringify(name)} a second time`);
        known.add(name);
        if (!(record.label !== null && record.label >= 0 && record.label <= 1)) faults.push(`${entry} says ${record.label} of ${JSON.stringify(name)}, which is no probability`);
        if (!judge || !question) continue;
        const asked = question(record.text);
        if (Math.abs((record.label ?? -1) - judge.verdictOf(asked)) > 1e-5) faults.push(`${entry} says ${record.label} of ${JSON.stringify(asked)}, the judge says ${judge.verdictOf(asked)}`);
        if (!answered.has(asked)) faults.push(`${entry} has a label for ${JSON.stringify(asked)}, which the judge never answered`);
        answered.delete(asked);
      }
    }
    if (question && judge?.spool !== undefined) for (const { text } of await spooled(judge.spool, annotator)) if (answered.delete(question(text))) kept++;
  }
  let unread = 0;
  const lastMs = Math.max(...(judge?.journal ?? []).map((entry) => entry.endedAtMs));
  for (const [question, entry] of answered) {
    if (judge && mayBeUnread(entry, judge.troubles)) unread++;
    else faults.push(`the judge answered ${JSON.stringify(question)} ${((lastMs - entry.endedAtMs) / 1000).toFixed(1)} s before it was last heard of, no log has it`);
  }
  return { labels, unanswered, unread, kept, faults };
}

async function spooled(folder: string, annotator: string): Promise<readonly LabelRecord[]> {
  const spool = new AnswerSpool(folder, annotator);
  try {
    return await spool.orphans();
  } finally {
    spool.close();
  }
}

async function recordsOf(entries: LabelEntries, position: number, faults: string[]): Promise<readonly LabelRecord[]> {
  const key = layout.label(entries.annotator, position);
  try {
    const bytes = await entries.read(position);
    if (bytes !== undefined) return decodeRecords(bytes, key, entries.annotator);
    faults.push(`${key} is gone, the log goes on after it`);
  } catch (error) {
    faults.push(`${key}: ${(error as Error).message}`);
  }
  return [];
}

/** What the judge of this annotator is asked about a message; null where no job names it. */
async function questionsOf(store: ObjectStore, key: string, jobs: readonly Job[], judge: JudgeEvidence): Promise<((text: Uint8Array) => string) | null> {
  const description = await readJson<{ prompt: { goal: string } }>(store, key);
  const source = jobs.flatMap((job) => Object.values(job.sources)).find((one) => one.kind === 'model' && one.annotator.goal === description?.prompt.goal);
  if (source?.kind !== 'model') return null;
  const prompt = promptOf(source.annotator);
  return (text) => judge.questionOf(prompt.chat(text));
}
