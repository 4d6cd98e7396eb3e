/** Whether a judge was asked only what it had to be asked. Pure. */
import type { JudgeEntry } from './fault-judge.js';

export interface JudgeAudit {
  readonly requests: number;
  readonly questions: number;
  readonly answered: number;
  /** Questions asked again because the process that had the answer was killed before the answer was in the log. */
  readonly repeatedAfterKill: number;
  readonly faults: readonly string[];
}

/** An answer waits at most this long for others before it is written (annotator.ts), and a write may wait for the disk. */
const UNWRITTEN_MS = 3_000;

/**
 * A question that has been answered is never asked again, but for one case: the annotator process was killed in the
 * moment between the judge's answer and its write. No client can close this gap without the judge's help.
 * @param killsAtMs when an annotator process was killed
 * @param writesBlocked spans in which the store took nothing, [from, to] in ms
 */
export function auditJudge(journal: readonly JudgeEntry[], killsAtMs: readonly number[], writesBlocked: readonly (readonly [number, number])[] = []): JudgeAudit {
  const faults: string[] = [];
  const answeredAt = new Map<string, number>();
  let answered = 0;
  let repeatedAfterKill = 0;
  for (const entry of journal) {
    const before = answeredAt.get(entry.question);
    if (before !== undefined) {
      if (killedBeforeWritten(before, killsAtMs, writesBlocked)) repeatedAfterKill++;
      else faults.push(`asked again ${Math.round((entry.askedAtMs - before) / 100) / 10} s after its answer: ${JSON.stringify(entry.question.slice(-120))}`);
    }
    if (entry.outcome !== 'answered') continue;
    answered++;
    answeredAt.set(entry.question, entry.endedAtMs);
  }
  return { requests: journal.length, questions: new Set(journal.map((entry) => entry.question)).size, answered, repeatedAfterKill, faults };
}

/** Whether an annotator was killed so soon after an answer that it may not have written it. */
export function killedBeforeWritten(answeredAtMs: number, killsAtMs: readonly number[], writesBlocked: readonly (readonly [number, number])[]): boolean {
  // Spans that follow each other closely hold a write as long as one.
  const from = writesBlocked.reduce((latest, [begin, end]) => (begin <= latest + UNWRITTEN_MS && end > latest ? end : latest), answeredAtMs);
  return killsAtMs.some((at) => at >= answeredAtMs && at <= from + UNWRITTEN_MS);
}
