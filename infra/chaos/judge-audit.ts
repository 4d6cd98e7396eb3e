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
  const answeredBy = new Map<string, JudgeEntry>();
  let answered = 0;
  let repeatedAfterKill = 0;
  for (const entry of journal) {
    const before = answeredBy.get(entry.question);
    if (before !== undefined) {
      if (killedBeforeWritten(before, killsAtMs, writesBlocked)) repeatedAfterKill++;
      else faults.push(`asked again ${seconds(entry.askedAtMs - before.endedAtMs)} s after its answer${killNote(before.endedAtMs, killsAtMs)}: ${JSON.stringify(entry.question.slice(-120))}`);
    }
    if (entry.outcome !== 'answered') continue;
    answered++;
    answeredBy.set(entry.question, entry);
  }
  return { requests: journal.length, questions: new Set(journal.map((entry) => entry.question)).size, answered, repeatedAfterKill, faults };
}

/** Whether the annotator that asked was killed before it can have written the answer: while it waited, or soon after. */
export function killedBeforeWritten({ askedAtMs, endedAtMs }: JudgeEntry, killsAtMs: readonly number[], writesBlocked: readonly (readonly [number, number])[]): boolean {
  // Spans that follow each other closely hold a write as long as one.
  const heldUntil = writesBlocked.reduce((latest, [from, to]) => (from <= latest + UNWRITTEN_MS && to > latest ? to : latest), endedAtMs);
  return killsAtMs.some((at) => at >= askedAtMs && at <= heldUntil + UNWRITTEN_MS);
}

function killNote(answeredAtMs: number, killsAtMs: readonly number[]): string {
  const next = killsAtMs.find((at) => at >= answeredAtMs);
  return next === undefined ? '' : ` (next kill of an annotator ${seconds(next - answeredAtMs)} s after the answer)`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
