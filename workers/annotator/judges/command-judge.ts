/** Any program as a judge: it reads a question in each line of its input and writes a reply in each line of its output. */
import { LaurelError } from '../../../proto/errors.js';
import { PAIR_CHOICES, type CommandJudgeSpec } from '../../../proto/judges.js';
import { hashOf } from '../../store/artifacts.js';
import { clipUtf8 } from '../label-record.js';
import { pairOf } from '../pair.js';
import { listOf } from '../list.js';
import type { JudgePrompt } from '../prompts/list-prompt.js';
import { backoffMs, TRIES_MAX } from './backoff.js';
import { CommandFailure, CommandProcess, type CommandReply } from './command-process.js';
import { answered, answeredList, unanswered, type AskOptions, type Judge, type JudgeAnswer, type Outcome, type Questions } from './judge.js';
import { ANSWER_VALUES } from './label-words.js';
import { scoredValues } from './list-scores.js';
import { pipelined } from './pipeline.js';
import { Slots } from './slots.js';
import { setTimeout as wait } from 'node:timers/promises';

const REPLY_BYTES_MAX = 8_192;

/**
 * A question is `{"id", "mode", "goal", "prompt", "message"}`, or with `first` and `second`, or `texts` (and `task`), in the place of
 * `message`; a reply `{"id", "probability"}`, or `{"id", "choice": "first" | "second" | "tie"}` (with a probability that the first is
 * preferred, if it has one), or `{"id", "scores"}` with one for each text, or `{"id", "status": "unparsable" | "refused" | "error"}`, each with `reply`, `tokensIn` and `tokensOut` if
 * wanted. A program that ends or is silent is started again, and what it was asked is asked again, each question alone, so
 * that one that ends it is found out: that message gets the status error, and the others their verdicts.
 */
export class CommandJudge implements Judge {
  readonly id: string;
  readonly digest: string;
  readonly material: Readonly<Record<string, unknown>>;
  readonly concurrency: number;
  private readonly program: CommandProcess;
  private readonly slots: Slots;
  private successes = 0;
  private failing: LaurelError | undefined;

  constructor(
    private readonly spec: CommandJudgeSpec,
    private readonly prompt: JudgePrompt,
  ) {
    const { kind, command, version } = spec;
    this.material = { kind, command, version };
    this.digest = hashOf(this.material);
    this.id = `command:${command[0]}${version === '' ? '' : `@${version}`}`;
    this.concurrency = spec.concurrency;
    this.slots = new Slots(spec.concurrency);
    this.program = new CommandProcess(command, spec.environment);
  }

  get trouble(): LaurelError | undefined {
    return this.failing;
  }

  ask(questions: Questions, options: AskOptions): AsyncIterable<Outcome> {
    return pipelined(questions, this.concurrency, (text, index, signal) => this.askOne(text, index, signal), options);
  }

  dispose(): Promise<void> {
    this.program.close();
    return Promise.resolve();
  }

  private async askOne(text: Uint8Array, index: number, signal: AbortSignal): Promise<Outcome> {
    const startedAt = performance.now();
    const successesBefore = this.successes;
    const question = this.question(text);
    for (let tried = 1; ; tried++) {
      try {
        const reply = await this.slots.run(tried === 1 ? 1 : this.slots.places, () => this.program.ask(question, this.spec.timeoutMs, signal));
        this.successes++;
        this.failing = undefined;
        return { kind: 'answer', index, text, answer: this.read(text, reply, performance.now() - startedAt) };
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        this.failing = this.unavailable(error, tried);
        if (tried >= TRIES_MAX || error.unstartable) {
          if (error.unstartable || this.successes === successesBefore) return { kind: 'unavailable', index, text, error: this.failing };
          const rest = { reply: clipUtf8(error.message, REPLY_BYTES_MAX), tokensIn: 0, tokensOut: 0, latencyMs: performance.now() - startedAt };
          return { kind: 'answer', index, text, answer: unanswered('error', rest) };
        }
        await wait(backoffMs(text, tried), undefined, { signal });
      }
    }
  }

  private question(text: Uint8Array): Record<string, unknown> {
    const { prompt } = this;
    const asked = { mode: prompt.mode, goal: prompt.goal, prompt: prompt.completion(text) };
    if (prompt.mode === 'listwise') return { ...asked, task: prompt.task(text), texts: prompt.texts(text) };
    const common = { ...asked, ...(prompt.reasoning && { reasoning: true }) };
    if (prompt.mode === 'pointwise') return { ...common, message: prompt.message(text) };
    const { first, second } = pairOf(text);
    return { ...common, first: prompt.message(first), second: prompt.message(second) };
  }

  private read(question: Uint8Array, reply: CommandReply, latencyMs: number): JudgeAnswer {
    const said = typeof reply['reply'] === 'string' ? reply['reply'] : JSON.stringify(reply);
    const rest = { reply: clipUtf8(said, REPLY_BYTES_MAX), tokensIn: count(reply['tokensIn']), tokensOut: count(reply['tokensOut']), latencyMs };
    const { status } = reply;
    if (status === 'refused' || status === 'error' || status === 'unparsable') return unanswered(status, rest);
    if (this.prompt.mode === 'listwise') {
      const values = scoredValues(reply['scores'], listOf(question).texts.length);
      return values === undefined ? unanswered('unparsable', rest) : answeredList(values, rest);
    }
    const choice = PAIR_CHOICES.find((one) => one === reply['choice']) ?? null;
    const probability = typeof reply['probability'] === 'number' && reply['probability'] >= 0 && reply['probability'] <= 1 ? reply['probability'] : null;
    if (this.prompt.mode === 'pairwise') {
      return choice === null ? unanswered('unparsable', rest) : answered(probability ?? (ANSWER_VALUES[choice] as number), probability, choice, rest);
    }
    return probability === null ? unanswered('unparsable', rest) : answered(probability, probability, null, rest);
  }

  private unavailable(failure: CommandFailure, tried: number): LaurelError {
    const program = this.spec.command[0];
    return new LaurelError('LAUREL_JUDGE_UNAVAILABLE', `expected the program ${program} to answer, got: ${failure.message} (try ${tried} of ${TRIES_MAX}); try it by hand on the annotator worker, annotation resumes when it answers`, { program });
  }
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
