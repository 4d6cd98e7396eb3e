/** Any server with the OpenAI interface: vLLM, llama.cpp, SGLang, a hosted one. */
import { setTimeout as wait } from 'node:timers/promises';
import { LaurelError } from '../../../proto/errors.js';
import type { OpenAiJudgeSpec } from '../../../proto/judges.js';
import { clipUtf8 } from '../label-record.js';
import type { JudgePrompt } from '../prompts/list-prompt.js';
import { backoffMs, retryAfterMs, TRIES_MAX } from './backoff.js';
import { unanswered } from './judge.js';
import type { AskOptions, Judge, JudgeAnswer, Outcome, Questions } from './judge.js';
import { concede, endpointOf, firstConcessions, readReply, requestBody } from './openai-protocol.js';
import type { Concessions } from './openai-protocol.js';
import { pauseMs } from './rate-limits.js';
import { pipelined } from './pipeline.js';

/** Characters of a server's words that an error message repeats. */
const QUOTE_CHARACTERS = 300;

/** Why one request gave no answer that can be used. */
interface Failure {
  readonly what: string;
  /** The server itself was not there or over its limits; such a failure is never the message's. */
  readonly server: boolean;
  readonly afterMs: number | undefined;
  readonly cause?: unknown;
}

type Attempt = { readonly kind: 'answer'; readonly answer: JudgeAnswer } | { readonly kind: 'conceded' } | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Each question is one request, repeated with growing pauses where the server is over its limits or fails. A question that
 * keeps failing while others are answered is an attempt of its message (status error); where none is answered the judge is
 * unavailable and no message is blamed.
 */
export class OpenAiJudge implements Judge {
  readonly id: string;
  readonly digest: string;
  readonly material: Readonly<Record<string, unknown>>;
  readonly concurrency: number;
  private concessions: Concessions;
  private successes = 0;
  private failing: LaurelError | undefined;
  /** A limit holds for the server, not for one question: all wait (performance.now()). */
  private pausedUntil = 0;
  /** The largest question so far. */
  private tokensOfOne = 0;

  constructor(
    private readonly spec: OpenAiJudgeSpec,
    private readonly prompt: JudgePrompt,
    private readonly apiKey: string | undefined,
  ) {
    this.digest = `${endpointOf(spec)}#${spec.model}`;
    this.id = `openai:${spec.model}`;
    this.concurrency = spec.concurrency;
    this.concessions = firstConcessions(spec, prompt.mode);
    const { kind, model, api, logprobs, massFloor } = spec;
    // The temperature only counts where the text is read, but a server may bring us to that.
    this.material = { kind, endpoint: endpointOf(spec), model, api, logprobs, massFloor, temperature: spec.temperature, ...(spec.json && { json: true }) };
  }

  get trouble(): LaurelError | undefined {
    return this.failing;
  }

  ask(questions: Questions, options: AskOptions): AsyncIterable<Outcome> {
    return pipelined(questions, this.concurrency, (text, index, signal) => this.askOne(text, index, signal), options);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  private async askOne(text: Uint8Array, index: number, signal: AbortSignal): Promise<Outcome> {
    const successesBefore = this.successes;
    const startedAt = performance.now();
    for (let tried = 1; ; ) {
      const pauseMs = this.pausedUntil - performance.now();
      if (pauseMs > 0) await wait(pauseMs, undefined, { signal });
      const attempt = await this.attempt(text, signal);
      if (attempt.kind === 'conceded') continue;
      if (attempt.kind === 'answer') {
        this.successes++;
        this.failing = undefined;
        return { kind: 'answer', index, text, answer: attempt.answer };
      }
      const { failure } = attempt;
      this.failing = this.unavailable(failure, tried);
      if (tried >= TRIES_MAX) {
        if (failure.server || this.successes === successesBefore) return { kind: 'unavailable', index, text, error: this.failing };
        const answer = unanswered('error', { reply: failure.what, tokensIn: 0, tokensOut: 0, latencyMs: performance.now() - startedAt });
        return { kind: 'answer', index, text, answer };
      }
      const waitMs = failure.afterMs ?? backoffMs(text, tried);
      if (failure.afterMs !== undefined) this.pausedUntil = Math.max(this.pausedUntil, performance.now() + waitMs);
      await wait(waitMs, undefined, { signal });
      tried++;
    }
  }

  /** One request. @throws LaurelError LAUREL_JUDGE_REFUSED; the reason of the signal */
  private async attempt(text: Uint8Array, signal: AbortSignal): Promise<Attempt> {
    const { spec, prompt, concessions } = this;
    const startedAt = performance.now();
    const deadline = new AbortController();
    const giveUp = (): void => deadline.abort(signal.reason);
    const timer = setTimeout(() => deadline.abort(new Error(`no answer in ${spec.timeoutMs} ms`)), spec.timeoutMs);
    signal.addEventListener('abort', giveUp, { once: true });
    let response: Response;
    let body: string;
    try {
      signal.throwIfAborted();
      response = await fetch(endpointOf(spec), {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(this.apiKey === undefined ? {} : { authorization: `Bearer ${this.apiKey}` }) },
        body: JSON.stringify(requestBody(spec, prompt, text, concessions)),
        // A key is never carried on to another address.
        redirect: 'manual',
        signal: deadline.signal,
      });
      body = await response.text();
    } catch (cause) {
      signal.throwIfAborted();
      return failed(deadline.signal.aborted ? (deadline.signal.reason as Error).message : reasonOf(cause), isUnreachable(cause), undefined, cause);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
    const latencyMs = performance.now() - startedAt;
    this.heedLimits(response.headers);
    if (response.status === 200) {
      const reading = readReply(body, spec, prompt, text, concessions, latencyMs);
      if (reading.kind === 'answer') {
        this.tokensOfOne = Math.max(this.tokensOfOne, reading.answer.tokensIn + reading.answer.tokensOut);
        return reading;
      }
      if (reading.kind === 'garbled') return failed(`a reply that is not of the OpenAI interface: ${quote(reading.found)}`, false);
      return this.concedeTo({ ...concessions, topLogprobs: 0 });
    }
    return this.refusedOrFailed(response, body, concessions, latencyMs);
  }

  /** A server that says that nothing remains is left alone until it does, before it has to refuse. */
  private heedLimits(headers: Response['headers']): void {
    const waitMs = pauseMs(headers, this.tokensOfOne);
    if (waitMs !== undefined) this.pausedUntil = Math.max(this.pausedUntil, performance.now() + waitMs);
  }

  private refusedOrFailed(response: Response, body: string, concessions: Concessions, latencyMs: number): Attempt {
    const { status } = response;
    const what = `status ${status}: ${quote(body)}`;
    const lesser = (status >= 400 && status < 500 && status !== 429) || status === 501 ? concede(concessions, body) : undefined;
    if (lesser !== undefined) return this.concedeTo(lesser);
    if (status === 429 || status === 503) return failed(what, true, afterOf(response.headers));
    if (status >= 500 || status === 408 || status === 409 || status === 425) return failed(what, false, afterOf(response.headers));
    if (status === 400 || status === 413 || status === 422) {
      // This message cannot be asked; the next one may.
      const refused = /content_filter|content management policy|content_policy/iu.test(body);
      return { kind: 'answer', answer: unanswered(refused ? 'refused' : 'error', { reply: clipUtf8(what, 4096), tokensIn: 0, tokensOut: 0, latencyMs }) };
    }
    throw new LaurelError('LAUREL_JUDGE_REFUSED', `expected ${endpointOf(this.spec)} to answer for model ${this.spec.model}, got ${what}; correct the judge in the job, or the key in the environment variable that it names`, { status });
  }

  /** Several requests may learn the same at once: only the first to learn it changes anything. */
  private concedeTo(lesser: Concessions): Attempt {
    const now = this.concessions;
    this.concessions = {
      topLogprobs: Math.min(now.topLogprobs, lesser.topLogprobs) as Concessions['topLogprobs'],
      tokensField: lesser.tokensField === 'max_completion_tokens' ? lesser.tokensField : now.tokensField,
      temperature: now.temperature && lesser.temperature,
      json: now.json && lesser.json,
    };
    return { kind: 'conceded' };
  }

  private unavailable({ what, cause }: Failure, tried: number): LaurelError {
    const message = `expected ${endpointOf(this.spec)} to answer, got ${what} (try ${tried} of ${TRIES_MAX}); see that the server runs and its limits suffice, annotation resumes when it answers`;
    return new LaurelError('LAUREL_JUDGE_UNAVAILABLE', message, {}, cause === undefined ? undefined : { cause });
  }
}

/** How long a server wants to be left alone: `retry-after-ms`, which some send beside the coarser `Retry-After`. */
function afterOf(headers: Response['headers']): number | undefined {
  const exact = headers.get('retry-after-ms');
  return exact !== null && /^\d+$/u.test(exact) ? retryAfterMs(String(Number(exact) / 1000), Date.now()) : retryAfterMs(headers.get('retry-after'), Date.now());
}

function failed(what: string, server: boolean, afterMs?: number, cause?: unknown): Attempt {
  return { kind: 'failed', failure: { what, server, afterMs, cause } };
}

/** fetch hides the reason in the cause. */
function reasonOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code ?? cause?.message ?? (error as Error).message;
}

function isUnreachable(error: unknown): boolean {
  const code = (error as { cause?: { code?: string } }).cause?.code ?? '';
  return ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(code);
}

function quote(text: string): string {
  const line = text.replace(/\s+/gu, ' ').trim();
  return line.length > QUOTE_CHARACTERS ? `${line.slice(0, QUOTE_CHARACTERS)}…` : line === '' ? 'an empty body' : line;
}
