/** JSON answers, reasoning before the answer, rate limits and broken replies, against a real HTTP server. */
import { afterEach, describe, expect, it } from 'vitest';
import { judgeSchema } from '../../../proto/judges.js';
import { resolveJob } from '../../../proto/resolve.js';
import { createJudge } from '../../../workers/annotator/judges/create-judge.js';
import type { JudgeAnswer, Outcome } from '../../../workers/annotator/judges/judge.js';
import { durationMs, pauseMs } from '../../../workers/annotator/judges/rate-limits.js';
import { promptOf } from '../../../workers/annotator/prompts/registry.js';
import { smallJob } from '../../workflow/fakes.js';
import { chatReply, judgeServer, textReply, type JudgeReply, type JudgeRequest, type JudgeServer } from './judge-server.js';
import { bytes } from './support.js';

let server: JudgeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

interface Asked {
  readonly answers: readonly JudgeAnswer[];
  readonly requests: readonly JudgeRequest[];
}

async function ask(reply: (request: JudgeRequest) => JudgeReply, change: Record<string, unknown> = {}, prompt: Parameters<typeof promptOf>[0] = { goal: 'gain levels', prompt: 'helpful-v1' }, texts = ['You kill the newt!']): Promise<Asked> {
  server = await judgeServer(reply);
  const judge = await createJudge(judgeSchema.parse({ kind: 'openai', baseUrl: server.baseUrl, model: 'm', concurrency: 1, ...change }), promptOf(prompt), { modelPath: () => Promise.reject(new Error('no model')), secret: () => undefined });
  const outcomes: Outcome[] = [];
  for await (const outcome of judge.ask(texts.map(bytes), { signal: new AbortController().signal })) outcomes.push(outcome);
  return { answers: outcomes.flatMap((outcome) => (outcome.kind === 'answer' ? [outcome.answer] : [])), requests: server.requests };
}

const REASONING = { goal: 'gain levels', prompt: 'helpful-v1', reasoning: true };
/** A chat reply whose tokens have probabilities, as servers list them. */
const spelled = (tokens: readonly (readonly [token: string, alternatives: Readonly<Record<string, number>>])[]): JudgeReply => ({
  body: {
    choices: [{ finish_reason: 'stop', message: { content: tokens.map(([token]) => token).join('') }, logprobs: { content: tokens.map(([token, alternatives]) => ({ token, top_logprobs: Object.entries(alternatives).map(([one, probability]) => ({ token: one, logprob: Math.log(probability) })) })) } }],
    usage: { prompt_tokens: 90, completion_tokens: 40 },
  },
});

describe('a judge asked for JSON', () => {
  it('is given a schema in which only the label words can stand, and examples of that form', async () => {
    const { answers, requests } = await ask(() => textReply('{"answer":"Yes"}'), { logprobs: false, json: true });
    expect(answers[0]).toMatchObject({ status: 'ok', label: 1, tokensIn: 120, tokensOut: 3 });
    const { response_format: format, messages } = requests[0]!.body as { response_format: { json_schema: { schema: unknown } }; messages: { role: string; content: string }[] };
    expect(format).toMatchObject({ type: 'json_schema', json_schema: { strict: true, schema: { properties: { answer: { enum: ['Yes', 'No'] } }, required: ['answer'], additionalProperties: false } } });
    expect(messages.filter(({ role }) => role === 'assistant').every(({ content }) => ['{"answer":"Yes"}', '{"answer":"No"}'].includes(content))).toBe(true);
  });

  it.each(['Yes', '{"answer":"Maybe"}', '{"verdict":"Yes"}', '{"answer":"Yes"', '["Yes"]'])('gives no verdict where it says %s', async (content) => {
    expect((await ask(() => textReply(content), { logprobs: false, json: true })).answers[0]).toMatchObject({ status: 'unparsable', label: null, reply: content });
  });

  it('is asked for text by a server that does not serve schemas, once and for all', async () => {
    const refuses = ({ body }: JudgeRequest): JudgeReply => ('response_format' in body ? { status: 400, body: { error: { message: "Unknown parameter: 'response_format'" } } } : textReply('Yes'));
    const { answers, requests } = await ask(refuses, { logprobs: false, json: true }, undefined, ['a', 'b', 'c']);
    expect(answers.map(({ label }) => label)).toEqual([1, 1, 1]);
    expect(requests.filter(({ body }) => 'response_format' in body)).toHaveLength(1);
  });

  it('needs no schema where probabilities are read', async () => {
    const { requests } = await ask(() => chatReply({ Yes: 0.9, No: 0.1 }), { json: true });
    expect(requests[0]!.body).not.toHaveProperty('response_format');
  });
});

describe('a judge that explains first', () => {
  it('is told the examples instead of shown turns that answer at once, and what the last line must be', async () => {
    const { answers, requests } = await ask(() => textReply('You killed it, which is progress.\nAnswer: Yes'), { logprobs: false }, REASONING);
    expect(answers[0]).toMatchObject({ status: 'ok', label: 1, reply: 'You killed it, which is progress.\nAnswer: Yes' });
    const { messages, max_tokens: tokens } = requests[0]!.body as { messages: { role: string; content: string }[]; max_tokens: number };
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(messages[0]!.content).toContain('`Answer: ` and one word: Yes or No');
    expect(messages[0]!.content).toMatch(/Message: .* -> Yes/);
    expect(tokens).toBeGreaterThan(100);
  });

  it.each(['Yes, that is good.', 'Yes', 'Answer: Yes, probably', 'Answer: Yes\nBut who knows.', 'The answer: No. So Answer: Yes', ''])('is never taken at a word outside the last field: %s', async (content) => {
    expect((await ask(() => textReply(content), { logprobs: false }, REASONING)).answers[0]).toMatchObject({ status: 'unparsable', label: null });
  });

  it('gives no verdict where it was cut, however it looks', async () => {
    expect((await ask(() => textReply('So it is.\nAnswer: Yes', 'length'), { logprobs: false }, REASONING)).answers[0]).toMatchObject({ status: 'unparsable' });
  });

  it('is as sure as it was at the word of its answer, not at a word on the way', async () => {
    const reply = spelled([['No', { No: 0.99, Yes: 0.01 }], [' harm.', { x: 1 }], ['\n', { x: 1 }], ['Answer', { x: 1 }], [':', { x: 1 }], [' Yes', { ' Yes': 0.6, ' No': 0.2 }]]);
    const { answers } = await ask(() => reply, {}, REASONING);
    expect(answers[0]).toMatchObject({ status: 'ok', tokensOut: 40 });
    expect(answers[0]!.label).toBeCloseTo(0.75, 9);
    expect(answers[0]!.probability).toBeCloseTo(0.75, 9);
  });

  it('answers in a field of JSON where that is asked for', async () => {
    const { answers, requests } = await ask(() => textReply('{"reasoning":"Answer: No would be wrong","answer":"Yes"}'), { logprobs: false, json: true }, REASONING);
    expect(answers[0]).toMatchObject({ status: 'ok', label: 1 });
    expect(requests[0]!.body).toMatchObject({ response_format: { json_schema: { schema: { required: ['reasoning', 'answer'] } } } });
  });

  it('is another annotator', () => {
    expect(promptOf(REASONING).hash).not.toBe(promptOf({ ...REASONING, reasoning: false }).hash);
    expect(promptOf({ ...REASONING, reasoning: false }).hash).toBe(promptOf({ goal: 'gain levels', prompt: 'helpful-v1' }).hash);
  });

  it('must be one that follows an instruction', () => {
    const job = (judge: unknown) => smallJob({ sources: { helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'g', reasoning: true, judge } } }, combine: { op: 'linear', weights: { helpful: 1 } } });
    expect(() => resolveJob(job({ kind: 'embedded' }))).toThrow(/judge\.kind.*follows an instruction/);
    expect(() => resolveJob(job({ kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', model: 'm', api: 'completions' }))).toThrow(/judge\.api.*chat/);
    expect(() => resolveJob(job({ kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', model: 'm' }))).not.toThrow();
  });
});

describe('limits that a server tells', () => {
  it('are durations of several shapes', () => {
    expect(['1s', '6m0s', '120ms', '1h2m3.5s', '2', '1d', 'soon', '', '5x'].map(durationMs)).toEqual([1_000, 360_000, 120, 3_723_500, 2_000, 86_400_000, undefined, undefined, undefined]);
    expect(durationMs(null)).toBeUndefined();
  });

  it('hold where what remains is less than a question takes', () => {
    const headers = (entries: Record<string, string>) => new Headers(entries);
    expect(pauseMs(headers({ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '2s' }), 100)).toBe(2_000);
    expect(pauseMs(headers({ 'x-ratelimit-remaining-requests': '1', 'x-ratelimit-reset-requests': '2s' }), 100)).toBeUndefined();
    expect(pauseMs(headers({ 'x-ratelimit-remaining-requests': '9', 'x-ratelimit-remaining-tokens': '99', 'x-ratelimit-reset-tokens': '500ms' }), 100)).toBe(500);
    expect(pauseMs(headers({ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '9h' }), 100)).toBe(60_000);
    expect(pauseMs(headers({ 'x-ratelimit-remaining-requests': '0' }), 100)).toBeUndefined();
    expect(pauseMs(headers({}), 100)).toBeUndefined();
  });

  it('are kept to: no request is sent while nothing remains, so that none is refused', async () => {
    const sentAt: number[] = [];
    // Like a server that allows two requests in 400 ms.
    const { answers } = await ask(
      () => {
        sentAt.push(performance.now());
        const last = sentAt.length % 2 === 0;
        return { ...chatReply({ Yes: 0.9, No: 0.1 }), headers: { 'x-ratelimit-remaining-requests': last ? '0' : '1', 'x-ratelimit-reset-requests': '400ms' } };
      },
      {},
      undefined,
      ['a', 'b', 'c', 'd', 'e'],
    );
    expect(answers).toHaveLength(5);
    for (const at of [2, 4]) expect(sentAt[at]! - sentAt[at - 1]!).toBeGreaterThanOrEqual(390);
  });

  it('are followed in milliseconds where a server says them so', async () => {
    const sentAt: number[] = [];
    const { answers } = await ask(() => (sentAt.push(performance.now()) === 1 ? { status: 429, headers: { 'retry-after-ms': '150', 'retry-after': '19' }, body: { error: { message: 'slow down' } } } : chatReply({ Yes: 0.9, No: 0.1 })));
    expect(answers[0]).toMatchObject({ status: 'ok' });
    expect(sentAt[1]! - sentAt[0]!).toBeGreaterThanOrEqual(145);
    expect(sentAt[1]! - sentAt[0]!).toBeLessThan(10_000);
  });
});

describe('a reply that breaks off', () => {
  it('is asked for again, and is no verdict of its own', async () => {
    const { answers, requests } = await ask(({ nth }) => (nth === 1 ? { ...chatReply({ No: 1 }), half: true } : nth === 2 ? { reset: true } : chatReply({ Yes: 0.9, No: 0.1 })));
    expect(answers[0]).toMatchObject({ status: 'ok' });
    expect(answers[0]!.label).toBeCloseTo(0.9, 9);
    expect(requests).toHaveLength(3);
  });
});
