/** The parts of the chaos program that decide: what is injected, and what counts as broken. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge, JUDGE_FAULTS, verdictOf, type JudgeEntry, type JudgeFault } from '../../../infra/chaos/fault-judge.js';
import { planFaults } from '../../../infra/chaos/faults.js';
import { ADVERTISED_HOST, FlightProxy } from '../../../infra/chaos/flight-proxy.js';
import { auditJudge } from '../../../workers/verify/judge-audit.js';
import { rowsByKind } from '../../../infra/chaos/ledger.js';
import { kindOf } from '../../../infra/chaos/processes.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('the plan of faults', () => {
  const options = { seed: 4, durationMs: 1_200_000, faultsPerMinute: 12.5, disk: true };

  it('is the same for the same seed and another for another', () => {
    expect(planFaults(options)).toEqual(planFaults(options));
    expect(planFaults({ ...options, seed: 5 })).not.toEqual(planFaults(options));
    expect(planFaults({ ...options, part: 1 })).not.toEqual(planFaults(options));
  });

  it('holds at least 200 faults in 20 minutes, of every kind and on every process, in order of time', () => {
    const plan = planFaults(options);
    expect(plan.length).toBeGreaterThanOrEqual(200);
    // As the program does it: half of the time for each environment.
    expect([0, 1].flatMap((part) => planFaults({ seed: 1, part, durationMs: 600_000, faultsPerMinute: 13, disk: true })).length).toBeGreaterThanOrEqual(200);
    expect(plan.map((fault) => fault.atMs)).toEqual(plan.map((fault) => fault.atMs).sort((a, b) => a - b));
    expect(new Set(plan.filter((fault) => fault.kind === 'kill').map((fault) => fault.target))).toEqual(new Set(['workflows', 'rollout', 'annotator', 'reward', 'learner', 'cli', 'server', 'all']));
    expect(new Set(plan.map((fault) => fault.kind))).toEqual(new Set(['kill', 'pause', 'judge', 'flight', 'disk']));
  });

  it('has no disk fault where the store has no disk of its own', () => {
    expect(planFaults({ ...options, disk: false }).filter((fault) => fault.kind === 'disk')).toEqual([]);
  });
});

describe('the audit of the judge', () => {
  const entry = (question: string, askedAtMs: number, outcome: JudgeEntry['outcome']): JudgeEntry => ({ question, askedAtMs, endedAtMs: askedAtMs + 100, outcome });

  const none = { killsAtMs: [], asleep: [] };
  const killed = (...killsAtMs: number[]) => ({ ...none, killsAtMs });

  it('allows a question again after a failure, not after an answer', () => {
    expect(auditJudge([entry('a', 0, 'error'), entry('a', 500, 'answered')], none).faults).toEqual([]);
    const { faults } = auditJudge([entry('a', 0, 'answered'), entry('b', 100, 'answered'), entry('a', 9_000, 'answered')], none);
    expect(faults).toEqual(['asked again 8.9 s after its answer: "a"']);
  });

  it('excuses a repetition only where the annotator was killed before it can have read the answer, or slept through it', () => {
    const journal = [entry('a', 0, 'answered'), entry('a', 20_000, 'answered')];
    expect(auditJudge(journal, killed(600))).toMatchObject({ unread: 1, faults: [] });
    // Killed while it waited for the answer: the judge spoke to nobody.
    expect(auditJudge(journal, killed(50))).toMatchObject({ unread: 1, faults: [] });
    expect(auditJudge(journal, killed(-50)).faults).toHaveLength(1);
    expect(auditJudge(journal, killed(8_000)).faults).toEqual(['asked again 19.9 s after its answer (next kill of an annotator 7.9 s after the answer): "a"']);
    expect(auditJudge(journal, { ...none, asleep: [[50, 5_000]] })).toMatchObject({ unread: 1, faults: [] });
    expect(auditJudge(journal, { ...none, asleep: [[200, 5_000]] }).faults).toHaveLength(1);
  });
});

describe('the judge that fails on demand', () => {
  const body = JSON.stringify({ messages: [{ role: 'system', content: 'Goal\nmore' }, { role: 'user', content: 'Message: a key' }] });

  async function judgeWith(fault: JudgeFault | null): Promise<{ judge: FaultJudge; ask: () => Promise<Response> }> {
    const judge = new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [0, 1] });
    cleanups.push(() => judge.stop());
    await judge.start();
    judge.fault = fault;
    return { judge, ask: () => fetch(`${judge.baseUrl}/chat/completions`, { method: 'POST', body, signal: AbortSignal.timeout(400) }) };
  }

  it('answers with the verdict of the message and writes the question down as answered', async () => {
    const { judge, ask } = await judgeWith(null);
    const reply = (await (await ask()).json()) as { choices: { logprobs: { content: { top_logprobs: { token: string; logprob: number }[] }[] } }[] };
    const yes = reply.choices[0]!.logprobs.content[0]!.top_logprobs.find(({ token }) => token === 'Yes')!;
    expect(Math.exp(yes.logprob)).toBeCloseTo(verdictOf('Goal | Message: a key'), 12);
    expect(judge.journal).toMatchObject([{ question: 'Goal | Message: a key', outcome: 'answered' }]);
  });

  it.each(JUDGE_FAULTS)('fails with %s, and the journal has no answer then', async (fault) => {
    const { judge, ask } = await judgeWith(fault);
    const reply = await ask().then(async (response) => ({ status: response.status, text: await response.text().catch(() => 'cut') }), () => 'no reply');
    const expected = { 'rate-limit': { status: 429 }, error: { status: 500 }, timeout: 'no reply', garbled: { status: 200, text: '<html>{"choices":' }, 'half-reply': { status: 200, text: 'cut' }, reset: 'no reply' }[fault];
    if (typeof expected === 'string') expect(reply).toBe(expected);
    else expect(reply).toMatchObject(expected);
    expect(judge.journal).toMatchObject([{ outcome: fault }]);
  });

  it('refuses connections while it is gone and is back at the same address', async () => {
    const { judge, ask } = await judgeWith(null);
    await judge.stop();
    await expect(ask()).rejects.toThrow();
    await judge.start();
    expect((await ask()).status).toBe(200);
  });
});

it.runIf(process.platform === 'linux')('the proxy passes bytes on in order, cuts what it is told to cut, and passes again', async () => {
  const worker = createServer((socket: Socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => worker.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => worker.close());
  const { port } = worker.address() as AddressInfo;
  const proxy = new FlightProxy();
  cleanups.push(() => proxy.close());
  proxy.serve([port]);
  const echo = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let got = '';
      const socket = connect(port, ADVERTISED_HOST, () => socket.write(text));
      socket.on('data', (bytes) => {
        got += bytes.toString();
        if (got.length === text.length) socket.end();
      });
      socket.on('error', () => undefined).on('close', () => resolve(got));
    });
  expect(await echo('hello')).toBe('hello');
  proxy.disturb('reset');
  expect(await echo('hello')).toBe('');
  proxy.disturb('cut');
  expect((await echo('x'.repeat(100_000))).length).toBeLessThan(100_000);
  proxy.disturb('delay');
  expect(await echo('late')).toBe('late');
  proxy.fault = null;
  expect(await echo('again')).toBe('again');
  expect(proxy.touched).toBe(3);
});

it('a process is known by its words', () => {
  expect(kindOf(['node', '/x/dist/workers/main.js', '--pool', 'reward'])).toBe('reward');
  expect(kindOf(['node', '/x/dist/infra/cli/main.js', 'run', 'job.json'])).toBe('cli');
  expect(kindOf(['/cache/temporal', 'server', 'start-dev', '--port', '1'])).toBe('server');
  expect(kindOf(['python3', '-c', 'x'])).toBe('other');
});

it('rows count what was hit and say how long the next update took', () => {
  const entry = (number: number, outcome: string, nextUpdateMs: number | null) => ({ number, kind: 'kill', target: 'learner', atMs: 0, forMs: 0, outcome, nextUpdateMs });
  expect(rowsByKind([entry(1, 'killed 5', 2_000), entry(2, 'was not running', 10), entry(3, 'killed 6', 61_000), entry(4, 'killed 7', 4_000), entry(5, 'killed 8', null)])).toEqual([
    { fault: 'kill learner', count: 4, missed: 1, nextUpdateMs: { median: 4_000, most: 61_000 }, over60s: 1 },
  ]);
});
