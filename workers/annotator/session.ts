/** One annotator at work in this process: its judge, its log, and what is being asked just now. */
import type { LaurelError } from '../../proto/errors.js';
import { AnswerBuffer } from './answer-buffer.js';
import type { AnswerSpool } from './answer-spool.js';
import type { OnTheirWay } from './budget-guard.js';
import { Claims } from './claims.js';
import type { ChunkLimits } from './answer-buffer.js';
import type { Judge, Outcome } from './judges/judge.js';
import { PACK_ENTRIES } from './label-entries.js';
import type { LabelLog } from './label-log.js';
import type { LabelRecord } from './label-record.js';
import type { Prompt } from './prompts/prompt-template.js';
import { textKey, textOfKey } from './text-key.js';

type Keys = Iterable<string> | AsyncIterable<string>;

/** What one round of questions came to. */
export interface Round {
  /** Questions that were sent. */
  asked: number;
  /** Answers of any status. */
  answers: number;
  /** Questions for which the judge was not there. */
  unavailable: number;
  error: LaurelError | undefined;
}

export class AnnotatorSession {
  readonly answers: AnswerBuffer;
  /** What this process tells the others that it asks. */
  readonly claims: Claims;
  /** Messages that are being asked, or answered and not yet in the log. */
  readonly inFlight = new Set<string>();
  /** Verdicts that a process that is gone had been given: used where their text would be asked. */
  private readonly kept = new Map<string, LabelRecord>();
  private readonly closing = new AbortController();
  private readonly rounds = new Set<Promise<unknown>>();
  /** When a message was sent to the judge, and for whom; until its answer is in the log. */
  private readonly asked = new Map<string, { readonly at: string; readonly run: string }>();

  constructor(
    readonly judge: Judge,
    readonly log: LabelLog,
    private readonly prompt: Prompt,
    limits: ChunkLimits,
    private readonly spool?: AnswerSpool,
  ) {
    this.claims = new Claims(log.store, log.annotator);
    this.answers = new AnswerBuffer(log, limits, (keys) => {
      for (const key of keys) this.land(key);
      this.spool?.written(keys);
    });
  }

  /**
   * Takes over what processes that are gone had been told and had not logged.
   * @param log write it now, in any order; else it is used where its text comes up
   */
  async recover(log: boolean): Promise<void> {
    const orphans = (await this.spool?.orphans()) ?? [];
    if (orphans.length > 0) {
      const view = await this.log.table.head();
      this.spool?.written(orphans.filter(({ text }) => view.get(text) !== undefined).map(({ text }) => textKey(text)));
      for (const record of orphans) if (view.get(record.text) === undefined) this.kept.set(textKey(record.text), record);
    }
    if (!log || this.kept.size === 0) return;
    for (const [key, record] of this.kept) {
      this.inFlight.add(key);
      this.answers.add(record);
    }
    this.kept.clear();
    await this.answers.flush();
  }

  /**
   * Asks messages in order while `more()` holds, each answer being logged within moments. Questions that are in flight when
   * `more()` ends are still answered and logged, whether anybody waits for the round or not: they are paid for.
   */
  ask(run: string, keys: Keys, more: () => boolean, onAnswer: () => void): { readonly round: Round; readonly done: Promise<void> } {
    const { round, done } = this.start(run, keys, more, (record) => {
      this.answers.add(record);
      onAnswer();
    });
    return { round, done: this.hold(done.finally(() => this.answers.flush())) };
  }

  /** Asks all of `keys` and logs the answers as one entry in that order, so that the log does not depend on timing. */
  askTogether(run: string, keys: readonly string[], onAnswer: () => void): { readonly round: Round; readonly done: Promise<void> } {
    const records = new Map<string, LabelRecord>();
    const { round, done } = this.start(run, keys, () => true, (record) => {
      records.set(textKey(record.text), record);
      onAnswer();
    });
    const write = async (): Promise<void> => {
      try {
        await done;
      } catch (error) {
        for (const key of records.keys()) this.land(key);
        throw error;
      }
      const inOrder = keys.flatMap((key) => records.get(key) ?? []);
      try {
        await this.answers.write(inOrder);
      } catch (error) {
        // Paid for: the next flush writes them.
        for (const record of inOrder) this.answers.add(record);
        throw error;
      }
    };
    return { round, done: this.hold(write()) };
  }

  private compacting: Promise<unknown> | undefined;
  private compactedAt = 0;

  /** Packs one block of the log that is left behind, where there may be one; never rejects. @param end of the log */
  async compact(end: number): Promise<void> {
    if (this.stopped || this.compacting !== undefined || end < 2 * PACK_ENTRIES || end < this.compactedAt + PACK_ENTRIES) return;
    this.compacting = this.log.table.entries.compact(1).then((done) => {
      // With nothing left to pack there is none before the log has grown by a block.
      if (done === 0) this.compactedAt = end;
    });
    await this.compacting.catch(() => undefined);
    this.compacting = undefined;
  }

  /** Gives back what was claimed, except what is with the judge or on its way to the log: others would ask it again. */
  async release(keys: readonly string[]): Promise<void> {
    const onTheirWay = keys.filter((key) => this.inFlight.has(key));
    await this.claims.release(keys.filter((key) => !this.inFlight.has(key)));
    if (onTheirWay.length > 0) void this.settled().then(() => this.claims.release(onTheirWay));
  }

  /** Resolves when no question is in flight; never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.rounds);
  }

  /** Waits at most `graceMs` for questions in flight, then gives them up; what was answered is in the log. */
  async close(graceMs: number): Promise<void> {
    this.stopped = true;
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
    await Promise.race([this.settled(), grace]);
    clearTimeout(timer);
    this.closing.abort(new Error('the annotator is closing'));
    await this.settled();
    await this.compacting?.catch(() => undefined);
    await this.answers.flush().finally(() => {
      this.spool?.close();
      return this.judge.dispose();
    });
  }

  private stopped = false;

  private start(run: string, keys: Keys, more: () => boolean, onAnswer: (record: LabelRecord) => void): { readonly round: Round; readonly done: Promise<void> } {
    const round: Round = { asked: 0, answers: 0, unavailable: 0, error: undefined };
    const asked = new Set<string>();
    let down = false;
    const pull = (async function* (session: AnnotatorSession): AsyncGenerator<Uint8Array> {
      for await (const key of keys) {
        if (down || session.stopped || !more()) return;
        // Another round may have asked since this one was planned; a text leaves `inFlight` when the table has its verdict.
        if (session.inFlight.has(key) || session.log.table.isLabelled(key)) continue;
        session.inFlight.add(key);
        const kept = session.kept.get(key);
        if (kept) {
          session.kept.delete(key);
          round.answers++;
          onAnswer(kept);
          continue;
        }
        session.asked.set(key, { at: new Date().toISOString(), run });
        asked.add(key);
        round.asked++;
        yield textOfKey(key);
      }
    })(this);
    const consume = async (): Promise<void> => {
      try {
        for await (const outcome of this.judge.ask(pull, { signal: this.closing.signal })) {
          asked.delete(textKey(outcome.text));
          if (outcome.kind === 'answer') {
            round.answers++;
            const record = this.record(outcome);
            this.spool?.add(record);
            onAnswer(record);
            continue;
          }
          round.unavailable++;
          round.error = outcome.error;
          this.land(textKey(outcome.text));
          // Asking on would only spend the tries of every other message too.
          down = this.judge.trouble !== undefined;
        }
      } finally {
        for (const key of asked) this.land(key);
      }
    };
    return { round, done: consume() };
  }

  /** Questions that were asked and whose answers are not in the log yet. */
  onTheirWay(run: string): OnTheirWay {
    let ofRun = 0;
    for (const one of this.asked.values()) if (one.run === run) ofRun++;
    return { ofRun, ofAll: this.asked.size };
  }

  private land(key: string): void {
    this.inFlight.delete(key);
    this.asked.delete(key);
  }

  private hold(done: Promise<void>): Promise<void> {
    this.rounds.add(done);
    done.catch(() => undefined).finally(() => this.rounds.delete(done));
    return done;
  }

  private record({ text, answer }: Outcome & { kind: 'answer' }): LabelRecord {
    const key = textKey(text);
    const { at: askedAt, run } = this.asked.get(key) ?? { at: new Date().toISOString(), run: undefined };
    const { status, label, choice, reply, model, tokensIn, tokensOut, latencyMs } = answer;
    const pair = this.prompt.mode === 'pairwise' ? { mode: 'pairwise' as const, choice } : {};
    return { ...pair, text, status, label, reply, model: model ?? this.judge.id, promptHash: this.prompt.hash, tokensIn, tokensOut, latencyMs, attempt: 1, askedAt, ...(run === undefined ? {} : { run }) };
  }
}
