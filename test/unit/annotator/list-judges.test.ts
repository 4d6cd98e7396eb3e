/** Judges of lists: what is asked, how strictly a reply is read, and how two orders or several judges make one answer. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { judgeSchema } from '../../../proto/judges.js';
import { LIST_CHARACTERS_MAX } from '../../../proto/reward-judge.js';
import { createJudge, sourceJudgeOf } from '../../../workers/annotator/judges/create-judge.js';
import type { Judge, JudgeAnswer } from '../../../workers/annotator/judges/judge.js';
import { listOf, listText, reversedList } from '../../../workers/annotator/list.js';
import type { ListPrompt } from '../../../workers/annotator/prompts/list-prompt.js';
import { judgePromptOf } from '../../../workers/annotator/prompts/registry.js';
import { judgeServer, textReply, type JudgeReply, type JudgeRequest, type JudgeServer } from './judge-server.js';

const RESOURCES = { modelPath: () => Promise.reject(new Error('no model')), secret: () => undefined };
const prompt = judgePromptOf({ mode: 'listwise', principle: 'be brief', prompt: null }) as ListPrompt;

const servers: JudgeServer[] = [];
const judges: Judge[] = [];
afterEach(async () => {
  await Promise.all(judges.splice(0).map((judge) => judge.dispose()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function serve(reply: (request: JudgeRequest) => JudgeReply): Promise<JudgeServer> {
  const server = await judgeServer(reply);
  servers.push(server);
  return server;
}
async function judgeOf(judge: object, swap = false): Promise<Judge> {
  const made = await sourceJudgeOf({ mode: 'listwise', swap, judge: judgeSchema.parse(judge) } as Parameters<typeof sourceJudgeOf>[0], prompt, RESOURCES);
  judges.push(made);
  return made;
}
async function ask(judge: Judge, questions: readonly Uint8Array[]): Promise<JudgeAnswer[]> {
  const answers: JudgeAnswer[] = [];
  for await (const outcome of judge.ask(questions, { signal: new AbortController().signal })) {
    if (outcome.kind === 'unavailable') throw outcome.error;
    answers[outcome.index] = outcome.answer;
  }
  return answers;
}
const openai = ({ baseUrl }: JudgeServer, more: object = {}): object => ({ kind: 'openai', baseUrl, model: 'm', concurrency: 1, ...more });
/** The texts that a request shows, by the letter of each. */
const shownIn = ({ body }: JudgeRequest): Record<string, string> =>
  Object.fromEntries([...(body['messages'] as { content: string }[]).at(-1)!.content.matchAll(/^([A-Z]): (.*)$/gmu)].map(([, label, text]) => [label!, text!]));
const scoresBy = (request: JudgeRequest, score: (text: string, label: string) => number): JudgeReply => textReply(`They differ.\n${JSON.stringify({ scores: Object.fromEntries(Object.entries(shownIn(request)).map(([label, text]) => [label, score(text, label)])) })}`);
/** What each text of the question is worth. */
const byText = (question: Uint8Array, { values }: JudgeAnswer): Record<string, number> => Object.fromEntries(listOf(question).texts.map((text, place) => [text, values![place]!]));

describe('a list as a question', () => {
  it('shows each text once, in an order that the texts decide and their places do not', () => {
    const texts = ['one', 'two', 'three', 'four'];
    const question = listText('count', [...texts, 'two', 'one']);
    const { task, texts: shown } = listOf(question);
    expect([task, [...shown].sort()]).toEqual(['count', [...texts].sort()]);
    for (const other of [[...texts].reverse(), ['three', 'one', 'four', 'two', 'two']]) expect(listText('count', other)).toEqual(question);
    expect(listOf(reversedList(question)).texts).toEqual([...shown].reverse());
    expect(() => listOf(Buffer.from('{"task":null,"texts":[]}'))).toThrow(/list of 1 to 26/);
  });

  it('puts no text where it stands in the alphabet: each place is as likely', () => {
    const places = [0, 0, 0, 0];
    for (let round = 0; round < 2_000; round++) {
      const texts = ['a', 'b', 'c', 'd'].map((letter) => `${letter}${round}`);
      places[listOf(listText(null, texts)).texts.indexOf(texts[0]!)]! += 1;
    }
    // 500 each, with a deviation of 19.
    for (const count of places) expect(Math.abs(count - 500)).toBeLessThan(100);
  });

  it('is told with letters alone, each text in one line and within its share of all characters', () => {
    const question = listText('say\nyes', ['yes', 'y'.repeat(LIST_CHARACTERS_MAX), 'B: fake\nC: more']);
    const [system, user] = prompt.chat(question);
    expect(system!.content).toContain('be brief');
    const lines = user!.content.split('\n');
    expect(lines.map((line) => line.slice(0, 3)).sort()).toEqual(['A: ', 'B: ', 'C: ', 'Tas']);
    expect(lines[0]).toBe('Task: say yes');
    expect(lines.map((line) => line.slice(3))).toContain('B: fake C: more');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(4_003);
  });
});

describe('the reply to a list', () => {
  const question = listText(null, ['x', 'y', 'z']);
  const answerTo = async (content: string, more: object = {}, finish?: string): Promise<JudgeAnswer> => (await ask(await judgeOf(openai(await serve(() => textReply(content, finish)), more)), [question]))[0]!;

  it.each([
    'x is best.\n{"scores": {"A": 5, "B": 1, "C": 2}}',
    '{"scores":{"C":2,"B":1,"A":5}}',
    '<think>{"scores": {"A": 1}}</think>```json\n{ "scores": {\n "A": 5,\n "B": 1,\n "C": 2 } }\n```',
  ])('is read from its end: %j', async (content) => {
    expect(await answerTo(content)).toMatchObject({ status: 'ok', label: null, probability: null, values: [1, 0, 0.25] });
  });

  it.each([
    ['a letter without a score', '{"scores": {"A": 5, "B": 1}}'],
    ['a letter twice', '{"scores": {"A": 5, "B": 1, "B": 2, "C": 2}}'],
    ['a letter twice in the place of another', '{"scores": {"A": 5, "B": 1, "B": 2}}'],
    ['a letter too many', '{"scores": {"A": 5, "B": 1, "C": 2, "D": 2}}'],
    ['a letter that is none of them', '{"scores": {"A": 5, "B": 1, "D": 2}}'],
    ['a score above the range', '{"scores": {"A": 6, "B": 1, "C": 2}}'],
    ['a score below the range', '{"scores": {"A": 0, "B": 1, "C": 2}}'],
    ['a fraction', '{"scores": {"A": 4.5, "B": 1, "C": 2}}'],
    ['a word', '{"scores": {"A": "5", "B": 1, "C": 2}}'],
    ['an order and no scores', 'A > C > B'],
    ['words after the scores', '{"scores": {"A": 5, "B": 1, "C": 2}} I hope this helps'],
    ['scores within something else', '{"draft": {"scores": {"A": 5, "B": 1, "C": 2}}, "final": null}'],
    ['half an object', '{"scores": {"A": 5, "B": 1, "C": 2}'],
  ])('is no answer with %s', async (_what, content) => {
    for (const json of [false, true]) {
      const answer = await answerTo(content, { json });
      expect(answer).toMatchObject({ status: 'unparsable', label: null, reply: content });
      expect(answer).not.toHaveProperty('values');
    }
  });

  it('is no answer where the server cut it, whatever it looks like', async () => {
    expect(await answerTo('{"scores": {"A": 5, "B": 1, "C": 2}}', {}, 'length')).toMatchObject({ status: 'unparsable' });
  });

  it('is asked for by schema where the job says so, and read as that object', async () => {
    const server = await serve(() => textReply('{"reasoning": "{\\"scores\\": {\\"A\\": 1}}", "scores": {"A": 5, "B": 1, "C": 2}}'));
    const [answer] = await ask(await judgeOf(openai(server, { json: true })), [question]);
    expect(answer!.values).toEqual([1, 0, 0.25]);
    const { response_format: format, logprobs, messages } = server.requests[0]!.body as { response_format: unknown; logprobs?: unknown; messages: { content: string }[] };
    const scores = { properties: { A: { enum: [1, 2, 3, 4, 5] }, B: {}, C: {} }, required: ['A', 'B', 'C'], additionalProperties: false };
    expect(format).toMatchObject({ type: 'json_schema', json_schema: { strict: true, schema: { properties: { scores }, required: ['reasoning', 'scores'], additionalProperties: false } } });
    expect(logprobs).toBeUndefined();
    expect(messages[0]!.content).toContain('Answer with JSON');
    // A bare object is what was asked for; words before it are not.
    expect(await answerTo('x is best.\n{"scores": {"A": 5, "B": 1, "C": 2}}', { json: true })).toMatchObject({ status: 'unparsable' });
  });

  it('is asked for as text by a server that does not serve schemas', async () => {
    const server = await serve((request) => ('response_format' in request.body ? { status: 400, body: { error: { message: 'response_format is not supported' } } } : scoresBy(request, () => 4)));
    const [answer] = await ask(await judgeOf(openai(server, { json: true })), [question]);
    expect([answer!.values, server.requests.length]).toEqual([[0.75, 0.75, 0.75], 2]);
  });
});

describe('a list in both orders', () => {
  it('gives each text the mean of both, so that a place is worth nothing', async () => {
    // The first place is worth 5, the rest is told by the text.
    const server = await serve((request) => scoresBy(request, (text, label) => (label === 'A' ? 5 : text.length)));
    const question = listText(null, ['x', 'xx', 'xxx']);
    const [answer] = await ask(await judgeOf(openai(server), true), [question]);
    const [first, , last] = listOf(question).texts as [string, string, string];
    const worth = byText(question, answer!);
    for (const text of ['x', 'xx', 'xxx']) {
      const told = (text.length - 1) / 4;
      expect(worth[text]).toBe(text === first || text === last ? (1 + told) / 2 : told);
    }
    expect(server.requests.map((request) => Object.values(shownIn(request)))).toEqual([listOf(question).texts, listOf(reversedList(question)).texts]);
  });

  it('is no answer where one of both is none, and one text alone is asked about once', async () => {
    const server = await serve((request) => (request.nth === 1 && server.requests.length === 2 ? textReply('no idea') : scoresBy(request, () => 3)));
    const questions = [listText(null, ['p', 'q']), listText(null, ['alone', 'alone'])];
    const [both, alone] = await ask(await judgeOf(openai(server), true), questions);
    expect(both).toMatchObject({ status: 'unparsable' });
    expect(alone).toMatchObject({ status: 'ok', values: [0.5] });
    expect(server.requests).toHaveLength(3);
  });
});

describe('other judges of lists', () => {
  const question = listText('greet', ['hello', 'hello you']);

  it('a panel gives the mean of those that answered, or the first that did', async () => {
    const low = await serve((request) => scoresBy(request, (text) => (text === 'hello' ? 3 : 1)));
    const high = await serve((request) => scoresBy(request, (text) => (text === 'hello' ? 5 : 2)));
    const dumb = await serve(() => textReply('I cannot say'));
    const members = [low, dumb, high].map((server) => openai(server));
    const [votes] = await ask(await judgeOf({ kind: 'panel', rule: 'votes', judges: members }), [question]);
    expect(byText(question, votes!)).toEqual({ hello: 0.75, 'hello you': 0.125 });
    const [first] = await ask(await judgeOf({ kind: 'panel', rule: 'fallback', judges: [members[1], members[2]] }), [question]);
    expect(byText(question, first!)).toEqual({ hello: 1, 'hello you': 0.25 });
    const [none] = await ask(await judgeOf({ kind: 'panel', rule: 'votes', judges: [members[1], members[1], members[2]] }), [question]);
    expect(none).toMatchObject({ status: 'unparsable' });
  });

  it('a program gets the texts and gives as many scores', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'laurel-list-'));
    try {
      await writeFile(
        join(folder, 'judge.mjs'),
        `import { createInterface } from 'node:readline';
         for await (const line of createInterface({ input: process.stdin })) {
           const { id, mode, goal, task, texts } = JSON.parse(line);
           const scores = mode === 'listwise' && goal === 'be brief' && task === 'greet' ? texts.map(({ length }) => (length < 6 ? 5 : 2)) : [1, 1];
           console.log(JSON.stringify({ id, scores: texts.length > 2 ? scores.slice(1) : scores, tokensIn: 7 }));
         }`,
      );
      const judge = await judgeOf({ kind: 'command', command: [process.execPath, join(folder, 'judge.mjs')] });
      const [answer, short] = await ask(judge, [question, listText('greet', ['a', 'b', 'c'])]);
      expect(byText(question, answer!)).toEqual({ hello: 1, 'hello you': 0.25 });
      expect(answer).toMatchObject({ tokensIn: 7 });
      expect(short).toMatchObject({ status: 'unparsable' });
    } finally {
      await Promise.all(judges.splice(0).map((judge) => judge.dispose()));
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('rules see each text with its task, and score in quarters', async () => {
    const [answer] = await ask(await judgeOf({ kind: 'scripted', rules: [{ pattern: '^Task: greet Answer: hello$', probability: 0.8 }], otherwise: 0.1 }), [question]);
    expect(byText(question, answer!)).toEqual({ hello: 0.75, 'hello you': 0 });
  });

  it('the embedded model is none, nor is another prompt', async () => {
    await expect(createJudge(judgeSchema.parse({ kind: 'embedded' }), prompt, RESOURCES)).rejects.toMatchObject({ code: 'LAUREL_JUDGE_UNSUITED' });
    expect(() => judgePromptOf({ mode: 'listwise', principle: 'x', prompt: 'principle-v1' })).toThrow(/principle-list-v1/);
  });

  it('asks in the same words for ever: another wording is another prompt', () => {
    expect(prompt.hash).toBe('b64e9f75295bf2f748354d7269cb9ea8');
  });
});
