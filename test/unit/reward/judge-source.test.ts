/** A live judge as a reward: asked when rewards are computed, recorded, and read by whoever computes them again. */
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { constantWeights } from '../../../proto/reward-combine.js';
import type { LaurelError } from '../../../proto/errors.js';
import { resolveJob, type JobIssue } from '../../../proto/resolve.js';
import { completionUnits } from '../../../workers/reward/completion-units.js';
import { machineResources } from '../../../workers/annotator/judge-resources.js';
import { componentOf, decodeRewards } from '../../../workers/reward/reward-record.js';
import { Scorer } from '../../../workers/reward/scorer.js';
import { digestOf, readJson } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import { levelOf, textOf } from '../../../workers/reward/units.js';
import { readTables } from '../../../proto/flight/tables.js';
import { chatReply, judgeServer, textReply, type JudgeRequest, type JudgeServer } from '../annotator/judge-server.js';
import { readerOf, SMALL_JOB, SmallRun } from '../../support/small-run.js';
import { TEXT_JOB } from '../../support/text-run.js';

let small: SmallRun | undefined;
let server: JudgeServer | undefined;
afterEach(async () => {
  await small?.close();
  await server?.close();
  small = server = undefined;
});

interface Judged {
  readonly question: string;
  readonly status: string;
  readonly value: number | null;
}

const judged = (judge: object, more: object = {}) => ({ kind: 'judge', principle: 'it speaks of a key', judge, ...more });
const walls = { kind: 'scripted', rules: [{ pattern: 'wall', probability: 0.25 }], otherwise: 0.75 };
const inGrid = (source: object) => ({ ...SMALL_JOB, sources: { game: { kind: 'env' }, said: source }, shape: [], combine: { op: 'linear', weights: { game: 1, said: 0.5 } }, rollout: { ...SMALL_JOB.rollout, shards: 1 } });
const recordOf = async (run: SmallRun, seq: number) => (await readJson<{ judgements: readonly Judged[] }>(run.store, layout.judgements(run.run, 'said', 0, seq)))?.judgements;
const rewardsOf = async (run: SmallRun, key: string) => decodeRewards((await run.store.get(key)) as Uint8Array);
/** Somebody who has no judge. */
const again = (run: SmallRun, segment: Parameters<Scorer['score']>[0]['segments'][number]) =>
  new Scorer({ store: run.store, reader: readerOf(run.store), endpoints: [] }).score({ run: run.run, segments: [segment], labels: {}, models: {}, weights: constantWeights(run.job.combine) });

describe('a judge of single texts', () => {
  it('is asked about each text once, recorded, and never asked again', async () => {
    small = await SmallRun.prepare(inGrid(judged(walls)));
    const [batch] = await small.collect();
    const [reward, segment] = [batch!.rewards[0]!, batch!.segments[0]!];
    const [transitions] = readTables((await small.store.get(segment.key)) as Uint8Array);
    const said = componentOf(await rewardsOf(small, reward.key), 'said');
    const texts = [...transitions!.getChild('text')!].map((text) => Buffer.from(text as Uint8Array).toString('latin1'));
    expect(texts.some((text) => text.includes('wall'))).toBe(true);
    texts.forEach((text, row) => expect([said.mask[row], said.value[row]]).toEqual([1, text === '' ? 0 : text.includes('wall') ? 0.25 : 0.75]));
    const distinct = [...new Set(texts.filter((text) => text !== ''))];
    expect((await recordOf(small, 0))!.map(({ question }) => question).sort()).toEqual(distinct.map((text) => digestOf(Buffer.from(text, 'latin1'))).sort());
    // The rewards are lost: they come out the same from the record, and not at all without it.
    await small.store.delete(reward.key);
    expect((await again(small, segment))[0]!.digest).toBe(reward.digest);
    await small.store.delete(reward.key);
    await small.store.delete(layout.judgements(small.run, 'said', 0, 0));
    await expect(again(small, segment)).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
  });

  it('sees task and answer of a completion, and may say yes or no', async () => {
    const rules = [{ pattern: '^Task: .+ Answer: .*\\{', probability: 0.8 }];
    small = await SmallRun.prepare({ ...TEXT_JOB, sources: { said: judged({ kind: 'scripted', rules, otherwise: 0.3 }, { answer: 'binary', threshold: 0.6 }) }, combine: { op: 'linear', weights: { said: 1 } } });
    const [batch] = await small.collect();
    for (const [index, { key }] of batch!.rewards.entries()) {
      const units = completionUnits(readTables((await small.store.get(batch!.segments[index]!.key)) as Uint8Array)[0]!);
      const level = levelOf(units, 'episode');
      const said = componentOf(await rewardsOf(small, key), 'said');
      said.value.forEach((value, unit) => expect(value).toBe(textOf(level, unit)!.includes('{') ? 1 : 0));
    }
  }, 60_000);

  it('that does not answer in time leaves its units unknown, now and later', async () => {
    small = await SmallRun.prepare(inGrid(judged({ ...walls, delayMs: 60_000 }, { deadlineMs: 100, unknown: 'omit' })));
    const [batch] = await small.collect();
    const reward = batch!.rewards[0]!;
    const decoded = await rewardsOf(small, reward.key);
    const said = componentOf(decoded, 'said');
    expect((await recordOf(small, 0))!.every(({ status, value }) => status === 'late' && value === null)).toBe(true);
    expect(said.mask.includes(0)).toBe(true);
    said.mask.forEach((known, unit) => known === 0 && expect(said.value[unit]).toBe(0));
    // What the environment pays is still known.
    expect([...componentOf(decoded, 'total').mask].every((known) => known === 1)).toBe(true);
    await small.store.delete(reward.key);
    expect((await again(small, batch!.segments[0]!))[0]!.digest).toBe(reward.digest);
  });

  it('that cannot be reached is waited for: nothing is recorded, and what was answered is not paid for twice', async () => {
    let down = false;
    server = await judgeServer(({ message }) => (down && message.includes('wall') ? { status: 503 } : chatReply({ Yes: 0.75, No: 0.25 })));
    small = await SmallRun.prepare(inGrid(judged({ kind: 'openai', baseUrl: server.baseUrl, model: 'judge', concurrency: 1 })));
    const [batch] = await small.collect();
    const [reward, segment] = [batch!.rewards[0]!, batch!.segments[0]!];
    await small.store.delete(reward.key);
    await small.store.delete(layout.judgements(small.run, 'said', 0, 0));
    server.requests.length = 0;
    const scorer = new Scorer({ store: small.store, reader: readerOf(small.store), endpoints: [], resources: machineResources() });
    const score = () => scorer.score({ run: small!.run, segments: [segment], labels: {}, models: {}, weights: constantWeights(small!.job.combine) });
    down = true;
    await expect(score()).rejects.toMatchObject({ code: 'LAUREL_JUDGE_UNAVAILABLE', retryable: true });
    expect(await recordOf(small, 0)).toBeUndefined();
    expect(await small.store.get(reward.key)).toBeUndefined();
    const before = server.requests.filter(({ message }) => !message.includes('wall')).map(({ message }) => message);
    down = false;
    expect((await score())[0]!.digest).toBe(reward.digest);
    await scorer.close();
    const after = server.requests.filter(({ message }) => !message.includes('wall')).map(({ message }) => message);
    expect(new Set(after).size).toBe(after.length);
    expect(after.slice(0, before.length)).toEqual(before);
    // Now it is recorded: somebody without a judge gets the same.
    const asked = server.requests.length;
    await small.store.delete(reward.key);
    expect((await again(small, segment))[0]!.digest).toBe(reward.digest);
    expect(server.requests.length).toBe(asked);
  }, 120_000);
});

describe('a judge of pairs', () => {
  it.each([true, false])('gives each completion the share of its group that it beats (swap %s)', { timeout: 60_000 }, async (swap) => {
    // A text with a brace is worth 1, another 0: against each other 1 and 0, against their like one half.
    const judge = { kind: 'scripted', rules: [{ pattern: 'Answer: .*\\{', probability: 1 }], otherwise: 0 };
    small = await SmallRun.prepare({ ...TEXT_JOB, sources: { better: judged(judge, { mode: 'pairwise', swap }) }, combine: { op: 'linear', weights: { better: 1 } } });
    const [batch] = await small.collect();
    let differing = 0;
    for (const [index, { key }] of batch!.rewards.entries()) {
      const level = levelOf(completionUnits(readTables((await small.store.get(batch!.segments[index]!.key)) as Uint8Array)[0]!), 'episode');
      const worth = Array.from({ length: level.units }, (_, unit) => (textOf(level, unit)!.includes('{') ? 1 : 0));
      const better = componentOf(await rewardsOf(small, key), 'better');
      worth.forEach((own, unit) => {
        const others = worth.filter((_, other) => other !== unit && level.group![other] === level.group![unit]);
        expect(others).toHaveLength(3);
        const expected = others.reduce<number>((sum, other) => sum + (1 + own - other) / 2, 0) / 3;
        expect([better.mask[unit], better.value[unit]]).toEqual([1, Math.fround(expected)]);
        if (expected !== 0.5) differing += 1;
      });
      // Groups compare with themselves: their mean is one half.
      expect(better.value.reduce((sum, value) => sum + value, 0) / level.units).toBeCloseTo(0.5, 6);
    }
    expect(differing).toBeGreaterThan(0);
  });
});

describe('a judge of lists', () => {
  const inTexts = (more: object = {}) => ({ ...TEXT_JOB, sources: { said: judged({ kind: 'openai', baseUrl: server!.baseUrl, model: 'judge', concurrency: 3 }, { mode: 'listwise', ...more }) }, combine: { op: 'linear', weights: { said: 1 } } });
  /** The lines of a question: what the texts answer, and each by its letter. */
  const asked = ({ body }: JudgeRequest): { task: string; texts: [string, string][] } => {
    const [task, ...lines] = (body['messages'] as { content: string }[]).at(-1)!.content.split('\n');
    return { task: task!, texts: lines.map((line) => [line.slice(0, 1), line.slice(3)]) };
  };
  const shown = (text: string): string => text.replace(/\s+/gu, ' ').trim();
  /** By its length: a text is worth the same whatever stands beside it. */
  const score = (text: string): number => 1 + (shown(text).length % 5);
  const scores = (request: JudgeRequest): string => JSON.stringify({ scores: Object.fromEntries(asked(request).texts.map(([label, text]) => [label, score(text)])) });
  /** Units of a segment with their text and group, as the learner has them. */
  const unitsOf = async (run: SmallRun, key: string) => {
    const level = levelOf(completionUnits(readTables((await run.store.get(key)) as Uint8Array)[0]!), 'episode');
    return Array.from({ length: level.units }, (_, unit) => ({ text: textOf(level, unit)!, group: level.group![unit]!, prompt: level.strings['prompt']!.texts[level.strings['prompt']!.index[unit]!]! }));
  };

  it('sees all completions of a prompt at once, gives each its score, and is recorded with all of them', async () => {
    server = await judgeServer(async (request) => {
      await wait(20);
      return textReply(scores(request));
    });
    small = await SmallRun.prepare(inTexts());
    const [batch] = await small.collect();
    let units = 0;
    const questions: string[] = [];
    for (const [index, { key }] of batch!.rewards.entries()) {
      const segment = batch!.segments[index]!;
      const said = componentOf(await rewardsOf(small, key), 'said');
      const own = await unitsOf(small, segment.key);
      own.forEach(({ text }, unit) => expect([said.mask[unit], said.value[unit]]).toEqual([1, (score(text) - 1) / 4]));
      const groups = [...new Set(own.map(({ group }) => group))].map((group) => own.filter((unit) => unit.group === group));
      for (const group of groups) questions.push(JSON.stringify([shown(`Task: ${group[0]!.prompt}`), [...new Set(group.map(({ text }) => shown(text)))].sort()]));
      // The record holds what each text of each list was given.
      const records = (await readJson<{ judgements: readonly (Judged & { values: readonly number[] })[] }>(small.store, layout.judgements(small.run, 'said', segment.shard, segment.seq)))!.judgements;
      expect(records.map(({ values }) => values.length).sort()).toEqual(groups.map((group) => new Set(group.map(({ text }) => text)).size).sort());
      for (const { status, value, values } of records) expect([status, value, values.every((one) => one >= 0 && one <= 1)]).toEqual(['ok', null, true]);
      // Somebody without a judge gets the same.
      await small.store.delete(key);
      expect((await again(small, segment))[0]!.digest).toBe(batch!.rewards[index]!.digest);
      units += own.length;
    }
    expect(units).toBeGreaterThan(questions.length);
    // However many segments are scored at once.
    expect(server.openMax()).toBeLessThanOrEqual(3);
    // Each list in both orders, and no text under two letters.
    const requests = server.requests.map(asked);
    const seen = new Map<string, string[]>();
    for (const { task, texts } of requests) {
      const name = JSON.stringify([task, texts.map(([, text]) => text).sort()]);
      seen.set(name, [...(seen.get(name) ?? []), texts.map(([, text]) => text).join('\n')]);
    }
    expect([...seen.keys()].sort()).toEqual([...new Set(questions)].sort());
    for (const [name, orders] of seen) {
      const { length } = (JSON.parse(name) as [string, string[]])[1];
      expect(orders).toHaveLength(length === 1 ? 1 : 2);
      if (length > 1) expect(orders[1]).toBe(orders[0]!.split('\n').reverse().join('\n'));
    }
  }, 60_000);

  it('that cannot be reached is asked about one segment of a call alone, and by nobody once that is told', async () => {
    let down = false;
    server = await judgeServer((request) => (down ? { status: 503, headers: { 'retry-after': '0' } } : textReply(scores(request))));
    small = await SmallRun.prepare(inTexts());
    const [batch] = await small.collect();
    const segments = batch!.segments;
    expect(segments).toHaveLength(2);
    const tasks = await Promise.all(segments.map(async ({ key }) => new Set((await unitsOf(small!, key)).map(({ prompt }) => shown(`Task: ${prompt}`)))));
    for (const [index, { shard, seq }] of segments.entries()) {
      await small.store.delete(batch!.rewards[index]!.key);
      await small.store.delete(layout.judgements(small.run, 'said', shard, seq));
    }
    const scorer = new Scorer({ store: small.store, reader: readerOf(small.store), endpoints: [], resources: machineResources() });
    const score = () => scorer.score({ run: small!.run, segments, labels: {}, models: {}, weights: constantWeights(small!.job.combine) });
    server.requests.length = 0;
    down = true;
    await expect(score()).rejects.toMatchObject({ code: 'LAUREL_JUDGE_UNAVAILABLE' });
    const wanted = new Set(server.requests.map((request) => asked(request).task));
    expect(tasks.filter((own) => [...wanted].every((task) => own.has(task)))).toHaveLength(1);
    down = false;
    expect((await score()).map(({ digest }) => digest)).toEqual(batch!.rewards.map(({ digest }) => digest));
    await scorer.close();
  }, 60_000);

  it('that leaves out a text says nothing of any text of that list, now and later', async () => {
    let first: string | undefined;
    server = await judgeServer((request) => {
      // One list for good, whichever comes first.
      const list = JSON.stringify(asked(request));
      first ??= list;
      return textReply(list === first ? scores(request).replace(/"A":\d,?/u, '') : scores(request));
    });
    small = await SmallRun.prepare(inTexts({ swap: false, unknown: 'omit' }));
    const [batch] = await small.collect();
    let masked = 0;
    for (const [index, { key }] of batch!.rewards.entries()) {
      const segment = batch!.segments[index]!;
      const said = componentOf(await rewardsOf(small, key), 'said');
      const own = await unitsOf(small, segment.key);
      for (const group of new Set(own.map((unit) => unit.group))) {
        const places = own.flatMap((unit, place) => (unit.group === group ? [place] : []));
        const known = new Set(places.map((place) => said.mask[place]));
        expect(known.size).toBe(1);
        for (const place of places) expect(said.value[place]).toBe(known.has(1) ? (score(own[place]!.text) - 1) / 4 : 0);
        if (known.has(0)) masked += 1;
      }
      await small.store.delete(key);
      expect((await again(small, segment))[0]!.digest).toBe(batch!.rewards[index]!.digest);
    }
    expect(masked).toBe(1);
    const statuses = (await Promise.all(batch!.segments.map(async ({ shard, seq }) => (await readJson<{ judgements: readonly Judged[] }>(small!.store, layout.judgements(small!.run, 'said', shard, seq)))!.judgements))).flat();
    expect(statuses.filter(({ status }) => status === 'unparsable')).toHaveLength(1);
    expect(statuses.every((one) => ('values' in one) === (one.status === 'ok'))).toBe(true);
  }, 60_000);
});

describe('a job with a judge', () => {
  const issuesOf = (job: object): readonly JobIssue[] => {
    try {
      resolveJob(job);
    } catch (error) {
      return (error as LaurelError).details['issues'] as JobIssue[];
    }
    return [];
  };

  it.each([
    ['pairs of messages', inGrid(judged(walls, { mode: 'pairwise' })), 'sources.said.mode', 'expected pointwise'],
    ['lists of messages', inGrid(judged(walls, { mode: 'listwise' })), 'sources.said.mode', 'got listwise'],
    ['a verdict on a score', { ...TEXT_JOB, sources: { said: judged(walls, { mode: 'listwise', answer: 'binary' }) }, combine: { op: 'linear', weights: { said: 1 } } }, 'sources.said.answer', 'expected probability'],
    ['a verdict on a share', { ...TEXT_JOB, sources: { said: judged(walls, { mode: 'pairwise', answer: 'binary' }) }, combine: { op: 'linear', weights: { said: 1 } } }, 'sources.said.answer', 'expected probability'],
    ['tokens', { ...TEXT_JOB, sources: { said: judged(walls, { granularity: 'token' }) }, combine: { op: 'linear', weights: { said: 1 } } }, 'sources.said.granularity', 'expected episode'],
    ['a pattern that is none', inGrid(judged({ kind: 'scripted', rules: [{ pattern: '(', probability: 1 }] })), 'sources.said.judge.rules.0.pattern', 'expected a regular expression'],
    ['nothing to read', { ...inGrid(judged(walls)), environment: { kind: 'pendulum' }, sources: { said: judged(walls) }, combine: { op: 'linear', weights: { said: 1 } } }, 'sources.said', 'expected an environment with messages'],
  ])('is refused for %s', (_what, job, path, message) => {
    expect(issuesOf(job)).toContainEqual(expect.objectContaining({ path, message: expect.stringContaining(message) as string }));
  });

  const lists = (judge: object, learn: object = {}, environment: object = {}) => ({ ...TEXT_JOB, environment: { ...TEXT_JOB.environment, ...environment }, learn: { ...TEXT_JOB.learn, ...learn }, sources: { said: judged(judge, { mode: 'listwise' }) }, combine: { op: 'linear', weights: { said: 1 } } });
  const served = { kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', model: 'm' };

  it.each([
    ['a judge that is read at its next token', lists({ kind: 'embedded' }), 'sources.said.judge.kind', /^expected a judge that follows an instruction .+ got embedded; use /],
    ['a server that continues texts', lists({ ...served, api: 'completions' }), 'sources.said.judge.api', /^expected chat .+ got completions; use /],
    ['one such judge in a panel', lists({ kind: 'panel', judges: [served, { kind: 'embedded' }] }), 'sources.said.judge.judges.1.kind', /got embedded/],
    ['groups with more completions than letters', lists(walls, { groupSize: 27 }), 'learn.groupSize', /^expected at most 26 .+ sources\.said .+ got 27; make /],
    ['completions that fill the list', lists(walls, { groupSize: 26 }, { completionTokensMax: 1231 }), 'environment.completionTokensMax', /^expected completions of at most 1230 tokens: .+ got 1231; make /],
  ])('is refused for lists with %s, with a code of its own', (_what, job, path, message) => {
    expect(issuesOf(job)).toEqual([{ path, message: expect.stringMatching(message) as string, code: 'LAUREL_JUDGE_UNSUITED' }]);
    expect(() => resolveJob(job)).toThrow(expect.objectContaining({ code: 'LAUREL_JUDGE_UNSUITED' }) as Error);
  });

  it('may ask about lists as long as they can be', () => {
    expect(issuesOf(lists({ kind: 'panel', rule: 'votes', judges: [served, walls, { kind: 'command', command: ['judge'] }] }, { groupSize: 26 }, { completionTokensMax: 1230 }))).toEqual([]);
  });
});
