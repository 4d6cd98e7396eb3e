/** Whether a judge was asked only what it had to be asked. Pure. */
/** One request that a judge got, as the judge itself wrote it down. */
export interface JudgeEntry {
  /** Says which annotator asks and about which message. */
  readonly question: string;
  readonly askedAtMs: number;
  readonly endedAtMs: number;
  /** `answered`: a whole verdict was sent, whether or not anybody was left to read it; else how it failed. */
  readonly outcome: string;
}

export interface JudgeAudit {
  readonly requests: number;
  readonly questions: number;
  readonly answered: number;
  /** Questions asked again because whoever asked was killed or asleep before it had read the answer. */
  readonly unread: number;
  readonly faults: readonly string[];
}

/** An answer may lie in the socket of a busy process for this long before it is read and kept (answer-spool.ts). */
const UNREAD_MS = 1_000;

export type Span = readonly [fromMs: number, toMs: number];

/** What was done to those who ask. */
export interface AskerTroubles {
  /** When an annotator process was killed. */
  readonly killsAtMs: readonly number[];
  /** When one slept. */
  readonly asleep: readonly Span[];
}

/**
 * A question that has been answered is never asked again, but for two cases: the annotator process was killed while it
 * waited for the answer, or it slept through the answer and past its own deadline for it. No client can close these gaps
 * without the judge's help.
 */
export function auditJudge(journal: readonly JudgeEntry[], troubles: AskerTroubles): JudgeAudit {
  const faults: string[] = [];
  const answeredBy = new Map<string, JudgeEntry>();
  let answered = 0;
  let unread = 0;
  for (const entry of journal) {
    const before = answeredBy.get(entry.question);
    if (before !== undefined) {
      if (mayBeUnread(before, troubles)) unread++;
      else faults.push(`asked again ${seconds(entry.askedAtMs - before.endedAtMs)} s after its answer${killNote(before.endedAtMs, troubles.killsAtMs)}: ${JSON.stringify(entry.question.slice(-120))}`);
    }
    if (entry.outcome !== 'answered') continue;
    answered++;
    answeredBy.set(entry.question, entry);
  }
  return { requests: journal.length, questions: new Set(journal.map((entry) => entry.question)).size, answered, unread, faults };
}

/** Whether the annotator that asked may not have read the answer: killed while it waited, or asleep. */
export function mayBeUnread({ askedAtMs, endedAtMs }: JudgeEntry, { killsAtMs, asleep }: AskerTroubles): boolean {
  return asleep.some(([from, to]) => from <= endedAtMs && to >= askedAtMs) || killsAtMs.some((at) => at >= askedAtMs && at <= endedAtMs + UNREAD_MS);
}

function killNote(answeredAtMs: number, killsAtMs: readonly number[]): string {
  const next = killsAtMs.find((at) => at >= answeredAtMs);
  return next === undefined ? '' : ` (next kill of an annotator ${seconds(next - answeredAtMs)} s after the answer)`;
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
