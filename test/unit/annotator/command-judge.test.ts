import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { judgeSchema, type CommandJudgeSpec } from '../../../proto/judges.js';
import { CommandJudge } from '../../../workers/annotator/judges/command-judge.js';
import type { Outcome } from '../../../workers/annotator/judges/judge.js';
import { pairText } from '../../../workers/annotator/pair.js';
import { promptOf } from '../../../workers/annotator/prompts/registry.js';
import { isProcessAlive } from '../../../workers/process-alive.js';
import { bytes } from './support.js';

/** A program that answers by what a message says. */
const PROGRAM = `
import { createInterface } from 'node:readline';
import { appendFileSync } from 'node:fs';
appendFileSync(process.argv[2], process.pid + '\\n');
const say = (reply) => console.log(JSON.stringify(reply));
for await (const line of createInterface({ input: process.stdin })) {
  const { id, mode, goal, message, first, second } = JSON.parse(line);
  if (mode === 'pairwise') say({ id, choice: first.length > second.length ? 'first' : first.length < second.length ? 'second' : 'tie' });
  else if (message === 'crash') { console.error('out of luck'); process.exit(3); }
  else if (message === 'silent') continue;
  else if (message === 'noise') console.log('not JSON');
  else if (message === 'refuse') say({ id, status: 'refused', reply: 'no' });
  else if (message === 'odd') say({ id, probability: 7 });
  else if (message === 'slow') setTimeout(() => say({ id, probability: 0.25 }), 300);
  else if (message === 'environment') say({ id, probability: process.env.LAUREL_GIVEN === 'yes' && process.env.LAUREL_HELD === undefined ? 1 : 0 });
  else say({ id, probability: goal === 'gain levels' && message.startsWith('good') ? 0.75 : 0, tokensIn: 5, tokensOut: 1 });
}
`;

let folder: string;
const judges: CommandJudge[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'laurel-command-'));
  await writeFile(join(folder, 'judge.mjs'), PROGRAM);
  await writeFile(join(folder, 'pids'), '');
});
afterEach(async () => {
  await Promise.all(judges.splice(0).map((judge) => judge.dispose()));
  delete process.env['LAUREL_GIVEN'];
  delete process.env['LAUREL_HELD'];
  await rm(folder, { recursive: true, force: true });
});

function judge(change: Partial<CommandJudgeSpec> = {}, mode: 'pointwise' | 'pairwise' = 'pointwise'): CommandJudge {
  const spec = judgeSchema.parse({ kind: 'command', command: [process.execPath, join(folder, 'judge.mjs'), join(folder, 'pids')], timeoutMs: 5_000, ...change }) as CommandJudgeSpec;
  const made = new CommandJudge(spec, promptOf({ prompt: null, goal: 'gain levels', examples: undefined, mode }));
  judges.push(made);
  return made;
}

async function ask(one: CommandJudge, texts: readonly Uint8Array[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for await (const outcome of one.ask(texts, { signal: new AbortController().signal })) outcomes[outcome.index] = outcome;
  return outcomes;
}
const labels = (outcomes: readonly Outcome[]): unknown[] => outcomes.map((outcome) => (outcome.kind === 'answer' ? (outcome.answer.label ?? outcome.answer.status) : outcome.error.code));

describe('a program as a judge', () => {
  it('answers questions, and says what is no verdict', async () => {
    const outcomes = await ask(judge(), ['good dog', 'a wall', 'refuse', 'odd'].map(bytes));
    expect(labels(outcomes)).toEqual([0.75, 0, 'refused', 'unparsable']);
    expect(outcomes[0]).toMatchObject({ answer: { tokensIn: 5, tokensOut: 1, choice: null } });
  });

  it('has several questions at once, and takes the answers in any order', async () => {
    const order: number[] = [];
    for await (const { index } of judge({ concurrency: 2 }).ask(['slow', 'good', 'good dog'].map(bytes), { signal: new AbortController().signal })) order.push(index);
    expect(order).toEqual([1, 2, 0]);
  });

  it('compares pairs', async () => {
    const [long, short] = [bytes('a longer message'), bytes('short')];
    const question = pairText(long, short);
    const [outcome] = await ask(judge({}, 'pairwise'), [question]);
    expect(outcome).toMatchObject({ kind: 'answer', answer: { status: 'ok' } });
    const { choice, label } = (outcome as Outcome & { kind: 'answer' }).answer;
    const longFirst = Buffer.from(question).toString('latin1').startsWith(`${long.length}:`);
    expect([choice, label]).toEqual(longFirst ? ['first', 1] : ['second', 0]);
  });

  it.each(['crash', 'noise', 'silent'])('finds the message that ends it (%s), and gives the others their verdicts', async (message) => {
    const outcomes = await ask(judge({ concurrency: 3, timeoutMs: message === 'silent' ? 500 : 5_000 }), [message, 'good dog', 'a wall', 'good cat'].map(bytes));
    expect(labels(outcomes)).toEqual(['error', 0.75, 0, 0.75]);
  });

  it('is unavailable where it cannot be started, and blames no message', async () => {
    const one = judge({ command: [join(folder, 'nothing')] });
    expect(labels(await ask(one, [bytes('good dog')]))).toEqual(['LAUREL_JUDGE_UNAVAILABLE']);
    expect(one.trouble?.message).toContain('cannot be started');
  });

  it('gives the program the variables that the job names and no others', async () => {
    process.env['LAUREL_GIVEN'] = 'yes';
    process.env['LAUREL_HELD'] = 'secret';
    expect(labels(await ask(judge({ environment: ['LAUREL_GIVEN'] }), [bytes('environment')]))).toEqual([1]);
  });

  it('ends the program when it is closed', async () => {
    const { readFile } = await import('node:fs/promises');
    const one = judge();
    await ask(one, [bytes('good dog')]);
    const pid = Number((await readFile(join(folder, 'pids'), 'utf8')).trim());
    expect(isProcessAlive(pid)).toBe(true);
    await one.dispose();
    for (let tries = 0; isProcessAlive(pid) && tries < 100; tries++) await wait(20);
    expect(isProcessAlive(pid)).toBe(false);
  });
});
