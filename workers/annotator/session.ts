/** One annotator at work in this process: its judge, its log, and what is being asked just now. */
import type { LaurelError } from '../../proto/errors.js';
import { AnswerBuffer } from './answer-buffer.js';
import type { ChunkLimits } from './answer-buffer.js';
import type { Judge, Outcome } from './judges/judge.js';
import type { LabelLog } from './label-log.js';
import { textKey, textOfKey } from './label-record.js';
import type { LabelRecord } from './label-record.js';
import type { Prompt } from './prompts/prompt-template.js';

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
  /** Messages that are being asked, or answered and not yet in the log. */
  readonly inFlight = new Set<string>();
  private readonly closing = new AbortController();
  private readonly rounds = new Set<Promise<unknown>>();
  /** When a message was sent to the judge. */
  private readonly askedAt = new Map<string, string>();

  constructor(
    readonly judge: Judge,
    readonly log: LabelLog,
    private readonly prompt: Prompt,
    limits: ChunkLimits,
  ) {
    this.answers = new AnswerBuffer(log, limits, (keys) => {
      for (const key of keys) this.inFlight.delete(key);
    });
  }

  /**
   * Asks messages in order while `more()` holds, each answer being logged within moments. Questions that are in flight when
   * `more()` ends are still answered and logged, whether anybody waits for the round or not: they are paid for.
   */
  ask(keys: Iterable<string>, more: () => boolean, onAnswer: () => void): { readonly round: Round; readonly done: Promise<void> } {
    const { round, done } = this.start(keys, more, (outcome) => {
      this.answers.add(this.record(outcome));
      onAnswer();
    });
    return { round, done: this.hold(done.finally(() => this.answers.flush())) };
  }

  /** Asks all of `keys` and logs the answers as one entry in that order, so that the log does not depend on timing. */
  askTogether(keys: readonly string[], onAnswer: () => void): { readonly round: Round; readonly done: Promise<void> } {
    const records = new Map<string, LabelRecord>();
    const { round, done } = this.start(keys, () => true, (outcome) => {
      records.set(textKey(outcome.text), this.record(outcome));
      onAnswer();
    });
    const write = async (): Promise<void> => {
      try {
        await done;
      } catch (error) {
        for (const key of records.keys()) this.inFlight.delete(key);
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
    await this.answers.flush().finally(() => this.judge.dispose());
  }

  private stopped = false;

  private start(keys: Iterable<string>, more: () => boolean, onAnswer: (outcome: Outcome & { kind: 'answer' }) => void): { readonly round: Round; readonly done: Promise<void> } {
    const round: Round = { asked: 0, answers: 0, unavailable: 0, error: undefined };
    const open = new Set<string>();
    let down = false;
    const pull = (function* (session: AnnotatorSession): Generator<Uint8Array> {
      for (const key of keys) {
        if (down || session.stopped || !more()) return;
        if (session.inFlight.has(key)) continue;
        session.inFlight.add(key);
        session.askedAt.set(key, new Date().toISOString());
        open.add(key);
        round.asked++;
        yield textOfKey(key);
      }
    })(this);
    const consume = async (): Promise<void> => {
      try {
        for await (const outcome of this.judge.ask(pull, { signal: this.closing.signal })) {
          open.delete(textKey(outcome.text));
          if (outcome.kind === 'answer') {
            round.answers++;
            onAnswer(outcome);
            continue;
          }
          round.unavailable++;
          round.error = outcome.error;
          this.forget(textKey(outcome.text));
          // Asking on would only spend the tries of every other message too.
          down = this.judge.trouble !== undefined;
        }
      } finally {
        for (const key of open) this.forget(key);
      }
    };
    return { round, done: consume() };
  }

  private forget(key: string): void {
    this.inFlight.delete(key);
    this.askedAt.delete(key);
  }

  private hold(done: Promise<void>): Promise<void> {
    this.rounds.add(done);
    done.catch(() => undefined).finally(() => this.rounds.delete(done));
    return done;
  }

  private record({ text, answer }: Outcome & { kind: 'answer' }): LabelRecord {
    const key = textKey(text);
    const askedAt = this.askedAt.get(key) ?? new Date().toISOString();
    this.askedAt.delete(key);
    const { status, label, reply, tokensIn, tokensOut, latencyMs } = answer;
    return { text, status, label, reply, model: this.judge.id, promptHash: this.prompt.hash, tokensIn, tokensOut, latencyMs, attempt: 1, askedAt };
  }
}
