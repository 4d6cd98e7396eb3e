import { afterEach, describe, expect, it } from 'vitest';
import { judgeSchema } from '../../../proto/judges.js';
import { createJudge } from '../../../workers/annotator/judges/create-judge.js';
import type { Judge, Outcome } from '../../../workers/annotator/judges/judge.js';
import { promptOf } from '../../../workers/annotator/prompts/registry.js';
import { chatReply, judgeServer, textReply } from './judge-server.js';
import type { JudgeReply, JudgeRequest, JudgeServer } from './judge-server.js';
import { bytes } from './support.js';

const prompt = promptOf({ goal: 'gain levels', prompt: 'helpful-v1' });
let server: JudgeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serve(reply: (request: JudgeRequest) => JudgeReply | Promise<JudgeReply>, change: Record<string, unknown> = {}, secrets: Record<string, string> = {}): Promise<Judge> {
  server = await judgeServer(reply);
  return judgeAt(server.baseUrl, change, secrets);
}

function judgeAt(baseUrl: string, change: Record<string, unknown> = {}, secrets: Record<string, string> = {}): Promise<Judge> {
  const spec = judgeSchema.parse({ kind: 'openai', baseUrl, model: 'judge', ...change });
  return createJudge(spec, prompt, { modelPath: () => Promise.reject(new Error('no model is needed')), secret: (name) => secrets[name] });
}

async function askAll(judge: Judge, texts: readonly string[], signal = new AbortController().signal): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const outcome of judge.ask(texts.map(bytes), { signal })) outcomes.push(outcome);
  return outcomes;
}

const statuses = (outcomes: readonly Outcome[]): Record<string, string> =>
  Object.fromEntries(outcomes.map((outcome) => [Buffer.from(outcome.text).toString('latin1'), outcome.kind === 'answer' ? outcome.answer.status : outcome.kind]));
const answerOf = (outcomes: readonly Outcome[], text: string) => {
  const outcome = outcomes.find((one) => Buffer.from(one.text).toString('latin1') === text);
  if (outcome?.kind !== 'answer') throw new Error(`no answer for ${text}`);
  return outcome.answer;
};
const good = chatReply({ Yes: 0.6, ' yes': 0.15, No: 0.25 });

describe('the judge behind an OpenAI interface', () => {
  it('reads the probability of the label words from chat log-probabilities, summed over their spellings', async () => {
    const judge = await serve(() => good);
    const answer = answerOf(await askAll(judge, ['You kill the newt!']), 'You kill the newt!');
    expect(answer.status).toBe('ok');
    expect(answer.probability).toBeCloseTo(0.75, 12);
    expect([answer.label, answer.tokensIn, answer.tokensOut]).toEqual([answer.probability, 120, 1]);
    const { body, path } = server!.requests[0]!;
    expect(path).toBe('/v1/chat/completions');
    expect(body).toMatchObject({ model: 'judge', max_tokens: 1, logprobs: true, top_logprobs: 20 });
    const turns = body['messages'] as { role: string; content: string }[];
    expect(turns[0]?.content).toContain('gain levels');
    expect(turns.filter((turn) => turn.role === 'assistant').map((turn) => turn.content)).toContain('Yes');
  });

  it('reads completions in both shapes that servers give', async () => {
    const judge = await serve(
      ({ message }) =>
        message === 'map'
          ? { body: { choices: [{ text: ' Yes', logprobs: { top_logprobs: [{ ' Yes': Math.log(0.9), ' No': Math.log(0.1) }] } }] } }
          : { body: { choices: [{ text: ' No', logprobs: { content: [{ top_logprobs: [{ token: '▁No', logprob: Math.log(0.8) }, { token: '▁Yes', logprob: Math.log(0.2) }] }] } }] } },
      { api: 'completions' },
    );
    const outcomes = await askAll(judge, ['map', 'list']);
    expect(answerOf(outcomes, 'map').probability).toBeCloseTo(0.9, 12);
    expect(answerOf(outcomes, 'list').probability).toBeCloseTo(0.2, 12);
    const { body, path } = server!.requests[0]!;
    expect(path).toBe('/v1/completions');
    expect(body).toMatchObject({ max_tokens: 1, logprobs: 20 });
    expect((body['prompt'] as string).endsWith('\nMessage: map ->')).toBe(true);
  });

  it('gives no verdict where the label words have too little probability together', async () => {
    const judge = await serve(() => chatReply({ The: 0.85, Yes: 0.1, No: 0.05 }));
    const answer = answerOf(await askAll(judge, ['x']), 'x');
    expect([answer.status, answer.probability, answer.label]).toEqual(['unparsable', null, null]);
    expect(answer.reply).toContain('The');
  });

  it('waits as long as Retry-After says and asks again', async () => {
    const judge = await serve(({ nth }) => (nth === 1 ? { status: 429, headers: { 'retry-after': '0.2' }, body: { error: 'slow down' } } : good));
    expect(statuses(await askAll(judge, ['a', 'b', 'c']))).toEqual({ a: 'ok', b: 'ok', c: 'ok' });
    expect(server!.requests.length).toBe(6);
    expect(judge.trouble).toBeUndefined();
  });

  it('asks again after a status 500, a garbled body and a cut connection', async () => {
    const judge = await serve(({ message, nth }) => {
      if (nth > 1) return good;
      if (message === 'cut') return { reset: true };
      return message === 'garbled' ? { body: '<html>502' } : { status: 500, body: 'oops' };
    });
    expect(statuses(await askAll(judge, ['cut', 'garbled', 'failed']))).toEqual({ cut: 'ok', garbled: 'ok', failed: 'ok' });
  });

  it('lets a message that always fails, fail alone', async () => {
    const judge = await serve(
      ({ message }) => {
        if (message === 'bad') return { status: 500, body: 'cannot' };
        if (message === 'garbled') return { body: 'not json' };
        if (message === 'too long') return { status: 400, body: { error: { message: 'context length exceeded' } } };
        if (message === 'filtered') return { status: 400, body: { error: { code: 'content_filter' } } };
        if (message === 'silent') return new Promise(() => undefined);
        return good;
      },
      { timeoutMs: 100, concurrency: 8 },
    );
    const found = statuses(await askAll(judge, ['bad', 'garbled', 'too long', 'filtered', 'silent', 'a', 'b', 'c']));
    expect(found).toEqual({ bad: 'error', garbled: 'error', 'too long': 'error', filtered: 'refused', silent: 'error', a: 'ok', b: 'ok', c: 'ok' });
  });

  it('gives the answers of fast questions while a slow one is still open', async () => {
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const judge = await serve(async ({ message }) => {
      if (message === 'slow') await held;
      return good;
    }, { concurrency: 2 });
    const order: string[] = [];
    for await (const outcome of judge.ask(['slow', 'a', 'b', 'c', 'd'].map(bytes), { signal: new AbortController().signal })) {
      order.push(Buffer.from(outcome.text).toString());
      if (order.length === 4) letGo();
    }
    expect(order).toEqual(['a', 'b', 'c', 'd', 'slow']);
    expect(server!.openMax()).toBe(2);
  });

  it('pulls a question only when there is room for it', async () => {
    const judge = await serve(() => good, { concurrency: 2 });
    let pulled = 0;
    const questions = (function* () {
      for (; pulled < 50; pulled++) yield bytes(`m${pulled}`);
    })();
    for await (const outcome of judge.ask(questions, { signal: new AbortController().signal })) {
      expect(pulled - outcome.index).toBeLessThan(4);
      if (outcome.index > 5) break;
    }
    expect(pulled).toBeLessThan(12);
  });

  it('asks for fewer log-probabilities, then for text, where a server refuses them, and remembers it', async () => {
    const judge = await serve(({ body }) => ('logprobs' in body ? { status: 400, body: { error: { message: `logprobs: ${String(body['top_logprobs'])} is not allowed` } } } : textReply('Yes.')), { concurrency: 1 });
    const outcomes = await askAll(judge, ['a', 'b']);
    expect(answerOf(outcomes, 'a')).toMatchObject({ status: 'ok', probability: null, label: 1, reply: 'Yes.' });
    expect(server!.requests.map(({ body }) => body['top_logprobs'] ?? null)).toEqual([20, 5, null, null]);
    expect(server!.requests.at(-1)!.body['temperature']).toBe(0);
  });

  it('reads the text where a server leaves log-probabilities out without a word', async () => {
    const judge = await serve(({ message }) => textReply(message === 'good' ? 'Yes' : 'no'));
    const outcomes = await askAll(judge, ['good', 'bad']);
    expect([answerOf(outcomes, 'good').label, answerOf(outcomes, 'bad').label]).toEqual([1, 0]);
    expect([answerOf(outcomes, 'good').probability, answerOf(outcomes, 'bad').probability]).toEqual([null, null]);
  });

  it('never takes a label word inside an explanation, or a reply that was cut, for a verdict', async () => {
    const replies: Record<string, JudgeReply> = {
      thinks: textReply('Yes would be wrong here, since nothing happened'),
      cut: textReply('It could be\nYes', 'length'),
      empty: textReply(''),
      both: textReply('Yes or No'),
      ends: textReply('The hero killed a newt.\n**Answer: Yes.**'),
    };
    const judge = await serve(({ message }) => replies[message]!, { logprobs: false });
    expect(statuses(await askAll(judge, Object.keys(replies)))).toEqual({ thinks: 'unparsable', cut: 'unparsable', empty: 'unparsable', both: 'unparsable', ends: 'ok' });
  });

  it('takes a refusal of the model for a refusal', async () => {
    const judge = await serve(() => ({ body: { choices: [{ message: { content: null, refusal: 'I cannot help' }, finish_reason: 'stop' }] } }));
    expect(answerOf(await askAll(judge, ['x']), 'x')).toMatchObject({ status: 'refused', label: null, reply: 'I cannot help' });
  });

  it('uses the field for the number of tokens, and leaves out the temperature, as newer servers demand', async () => {
    const judge = await serve(({ body }) => {
      if ('max_tokens' in body) return { status: 400, body: { error: { message: "Unsupported parameter: 'max_tokens'; use 'max_completion_tokens' instead." } } };
      if ('temperature' in body) return { status: 400, body: { error: { message: "Unsupported value: 'temperature'" } } };
      return good;
    }, { concurrency: 1 });
    expect(statuses(await askAll(judge, ['a', 'b']))).toEqual({ a: 'ok', b: 'ok' });
    expect(server!.requests.length).toBe(4);
  });

  it.each([401, 403, 404, 302])('says that the judge refuses every request at status %i', async (status) => {
    const judge = await serve(() => ({ status, headers: status === 302 ? { location: 'http://127.0.0.1:1/' } : {}, body: { error: 'no such model' } }));
    await expect(askAll(judge, ['a'])).rejects.toMatchObject({ code: 'LAUREL_JUDGE_REFUSED', message: expect.stringContaining(`status ${status}`) as string });
  });

  it('sends the key only as a header, and says which variable is missing', async () => {
    const judge = await serve(() => good, { apiKey: { env: 'JUDGE_KEY' } }, { JUDGE_KEY: 'secret-value' });
    await askAll(judge, ['a']);
    expect(server!.requests[0]!.headers.authorization).toBe('Bearer secret-value');
    expect(JSON.stringify([judge.material, judge.id, judge.digest, server!.requests[0]!.body])).not.toContain('secret-value');
    await expect(judgeAt(server!.baseUrl, { apiKey: { env: 'JUDGE_KEY' } }, {})).rejects.toMatchObject({ code: 'LAUREL_SECRET_MISSING', message: expect.stringContaining('JUDGE_KEY') as string });
  });

  it('blames no message where nothing listens', async () => {
    const closed = await judgeServer(() => good);
    await closed.close();
    const judge = await judgeAt(closed.baseUrl);
    const outcomes = await askAll(judge, ['a', 'b']);
    expect(statuses(outcomes)).toEqual({ a: 'unavailable', b: 'unavailable' });
    expect(outcomes[0]).toMatchObject({ error: { code: 'LAUREL_JUDGE_UNAVAILABLE' } });
    expect(judge.trouble?.message).toContain('ECONNREFUSED');
  });

  it('blames no message where the server fails for all of them', async () => {
    const judge = await serve(() => ({ status: 500, body: 'out of memory' }));
    expect(statuses(await askAll(judge, ['a', 'b']))).toEqual({ a: 'unavailable', b: 'unavailable' });
  });

  it('ends at once when it is aborted and leaves no request behind', async () => {
    const aborting = new AbortController();
    const judge = await serve(() => {
      aborting.abort(new Error('the worker stops'));
      return new Promise(() => undefined);
    });
    await expect(askAll(judge, ['a', 'b'], aborting.signal)).rejects.toThrow('the worker stops');
    await expect.poll(() => server!.requests.length).toBeLessThanOrEqual(2);
  });
});
