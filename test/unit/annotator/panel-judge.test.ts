import { afterEach, describe, expect, it } from 'vitest';
import { judgeSchema } from '../../../proto/judges.js';
import { createJudge } from '../../../workers/annotator/judges/create-judge.js';
import type { Judge, Outcome } from '../../../workers/annotator/judges/judge.js';
import { pairText } from '../../../workers/annotator/pair.js';
import { promptOf } from '../../../workers/annotator/prompts/registry.js';
import { chatReply, judgeServer, type JudgeReply, type JudgeServer } from './judge-server.js';
import { bytes } from './support.js';

const servers: JudgeServer[] = [];
const judges: Judge[] = [];
afterEach(async () => {
  await Promise.all(judges.splice(0).map((judge) => judge.dispose()));
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function openai(reply: Parameters<typeof judgeServer>[0]): Promise<{ server: JudgeServer; spec: Record<string, unknown> }> {
  const server = await judgeServer(reply);
  servers.push(server);
  return { server, spec: { kind: 'openai', baseUrl: server.baseUrl, model: `m${servers.length}`, concurrency: 1 } };
}
const rules = (probability: number, pattern = '.'): Record<string, unknown> => ({ kind: 'scripted', rules: [{ pattern, probability }], otherwise: 0.1 });

async function panel(rule: 'fallback' | 'votes', members: readonly Record<string, unknown>[], mode: 'pointwise' | 'pairwise' = 'pointwise'): Promise<Judge> {
  const spec = judgeSchema.parse({ kind: 'panel', rule, judges: members });
  const judge = await createJudge(spec, promptOf({ prompt: null, goal: 'g', examples: undefined, mode }), { modelPath: () => Promise.reject(new Error('no model')), secret: () => undefined });
  judges.push(judge);
  return judge;
}
async function ask(judge: Judge, texts: readonly Uint8Array[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const outcome of judge.ask(texts, { signal: new AbortController().signal })) outcomes[outcome.index] = outcome;
  return outcomes;
}
const brief = (outcomes: readonly Outcome[]): unknown[] => outcomes.map((outcome) => (outcome.kind === 'answer' ? [outcome.answer.label ?? outcome.answer.status, outcome.answer.model] : outcome.error.code));
const gone: JudgeReply = { status: 503, headers: { 'retry-after': '0' }, body: 'down' };

describe('judges in order', () => {
  it('asks the next one where one gives no verdict, and says who answered', async () => {
    const { server, spec } = await openai(({ message }) => (message === 'odd' ? chatReply({ The: 1 }) : chatReply({ Yes: 0.75, No: 0.25 })));
    const judge = await panel('fallback', [spec, rules(1)]);
    expect(brief(await ask(judge, ['plain', 'odd'].map(bytes)))).toEqual([[0.75, 'openai:m1'], [1, 'scripted']]);
    expect(server.requests.length).toBe(2);
  });

  it('goes on with the next one while the first is gone, without trying the first for each message', async () => {
    const { server, spec } = await openai(() => gone);
    const judge = await panel('fallback', [spec, rules(1)]);
    expect(brief(await ask(judge, ['a', 'b', 'c'].map(bytes)))).toEqual([[1, 'scripted'], [1, 'scripted'], [1, 'scripted']]);
    expect(server.requests.map(({ message }) => message)).toEqual(['a', 'a', 'a', 'a']);
    expect(judge.trouble).toBeUndefined();
  });

  it('is unavailable only where all are', async () => {
    const judge = await panel('fallback', [(await openai(() => gone)).spec, (await openai(() => gone)).spec]);
    expect(brief(await ask(judge, [bytes('a')]))).toEqual(['LAUREL_JUDGE_UNAVAILABLE']);
    expect(judge.trouble).toMatchObject({ code: 'LAUREL_JUDGE_UNAVAILABLE' });
  });
});

describe('votes', () => {
  it('are the share of judges in favour, one voice each', async () => {
    const judge = await panel('votes', [rules(0.9, 'kill'), rules(0.6, 'kill|door'), rules(0.2)]);
    expect(brief(await ask(judge, ['kill', 'door', 'wall'].map(bytes)))).toEqual([[2 / 3, undefined], [1 / 3, undefined], [0, undefined]]);
  });

  it('need a majority of all judges', async () => {
    const down = (await openai(() => gone)).spec;
    expect(brief(await ask(await panel('votes', [rules(0.9), rules(0.8), down]), [bytes('a')]))).toEqual([[1, undefined]]);
    expect(brief(await ask(await panel('votes', [rules(0.9), down, down]), [bytes('a')]))).toEqual(['LAUREL_JUDGE_UNAVAILABLE']);
    const odd = (await openai(() => chatReply({ The: 1 }))).spec;
    expect(brief(await ask(await panel('votes', [rules(0.9), odd, odd]), [bytes('a')]))).toEqual([['unparsable', undefined]]);
  });

  it('of a pair are for the message that most prefer, a draw is a tie', async () => {
    const [good, bad] = [bytes('kill'), bytes('wall')];
    const question = pairText(good, bad);
    const forGood = rules(1, 'kill');
    const forBad = rules(1, 'wall');
    const choice = async (members: readonly Record<string, unknown>[]): Promise<unknown> => {
      const [outcome] = await ask(await panel('votes', members, 'pairwise'), [question]);
      return (outcome as Outcome & { kind: 'answer' }).answer.choice;
    };
    const goodPlace = Buffer.from(question).toString('latin1').endsWith('wall') ? 'first' : 'second';
    expect(await choice([forGood, forGood, forBad])).toBe(goodPlace);
    expect(await choice([forGood, forBad])).toBe('tie');
  });
});
