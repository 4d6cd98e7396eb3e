import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveJob } from '../../../proto/resolve.js';
import { readHumanLabels } from '../../../workers/annotator/human-labels.js';
import { createJudge, judgeOf } from '../../../workers/annotator/judges/create-judge.js';
import type { JudgeAnswer } from '../../../workers/annotator/judges/judge.js';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { decodeRecords } from '../../../workers/annotator/label-record.js';
import { drawPairs, pairOf, pairOfKey, pairText, swapped } from '../../../workers/annotator/pair.js';
import { promptOf } from '../../../workers/annotator/prompts/registry.js';
import { textKey } from '../../../workers/annotator/text-key.js';
import { layout } from '../../../workers/store/layout.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { chatReply, judgeServer, textReply, type JudgeServer } from './judge-server.js';
import { annotatorSpec, Bench, bytes, gemma, record, segment, temporaryStore } from './support.js';

const pair = (a: string, b: string): Uint8Array => pairText(bytes(a), bytes(b));
const resources = { modelPath: () => gemma(), secret: () => undefined };

let store: LocalStore;
let dispose: () => Promise<void>;
const benches: Bench[] = [];
let server: JudgeServer | undefined;
beforeEach(async () => {
  ({ store, dispose } = await temporaryStore());
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await Promise.all(benches.splice(0).map((bench) => bench.annotator.close()));
  await dispose();
});

async function ask(judge: Record<string, unknown>, pairs: readonly Uint8Array[], change: Record<string, unknown> = {}): Promise<JudgeAnswer[]> {
  const spec = annotatorSpec(judge, { mode: 'pairwise', goal: 'kill monsters', ...change });
  const asked = await judgeOf(spec, promptOf(spec), resources);
  const found: JudgeAnswer[] = [];
  try {
    for await (const outcome of asked.ask(pairs, { signal: new AbortController().signal })) if (outcome.kind === 'answer') found[outcome.index] = outcome.answer;
  } finally {
    await asked.dispose();
  }
  return found;
}

describe('pairs of messages', () => {
  it('have one name whichever way round they are, and give back both messages byte for byte', () => {
    const text = pair('a:b\xff', '12:\0');
    expect(textKey(text)).toBe(textKey(pair('12:\0', 'a:b\xff')));
    const { first, second } = pairOfKey(textKey(text));
    expect([first, second].sort()).toEqual(['12:\0', 'a:b\xff']);
    expect(textKey(pairOf(swapped(text)).first)).toBe(second);
    expect(() => pairOf(bytes('no pair'))).toThrow(RangeError);
    expect(() => pairOf(bytes('9:short'))).toThrow(RangeError);
  });

  it('put neither message first more often than the other', () => {
    const firsts = Array.from({ length: 1000 }, (_, at) => pairOfKey(textKey(pair(`a${at}`, `b${at}`))).first[0]);
    // Binomial(1000, 0.5): six standard deviations are 95.
    expect(Math.abs(firsts.filter((letter) => letter === 'a').length - 500)).toBeLessThan(95);
  });

  it('are drawn again alike for the same segment, differently for another, without empty, identical or repeated ones', () => {
    const messages = ['one', 'one ', '', ' \n', ...Array.from({ length: 30 }, (_, at) => `message ${at}`)];
    const draw = { seed: 7, shard: 1, seq: 2, count: 40 };
    const drawn = drawPairs(messages, draw);
    expect(drawn.length).toBe(40);
    expect(new Set(drawn).size).toBe(40);
    expect(drawPairs(messages, draw)).toEqual(drawn);
    expect(drawPairs(messages, { ...draw, seq: 3 })).not.toEqual(drawn);
    expect(drawPairs(messages, { ...draw, seed: 8 })).not.toEqual(drawn);
    for (const { first, second } of drawn.map(pairOfKey)) {
      expect(first.trim()).not.toBe('');
      expect(second.trim()).not.toBe('');
      expect(first.trim()).not.toBe(second.trim());
    }
    expect(drawPairs(['only one'], draw)).toEqual([]);
    expect(drawPairs(['x', 'y'], draw)).toEqual([textKey(pair('x', 'y'))]);
  });
});

describe('a pairwise annotator', () => {
  const RULES = { kind: 'scripted', rules: [{ pattern: 'kill', probability: 1 }, { pattern: 'gold', probability: 0.5 }] };

  it('logs a verdict for each drawn pair, and asks none twice', async () => {
    const one = new Bench(store, annotatorSpec(RULES, { mode: 'pairwise', pairs: { perSegment: 3 } }));
    benches.push(one);
    const played = await segment(store, 'one', [['You kill it', 'a wall'], ['gold', 'a wall']]);
    expect(await one.annotate([played])).toMatchObject({ made: 3, known: 0, waiting: 0 });
    expect(await one.annotate([played])).toMatchObject({ made: 0, known: 3, waiting: 0 });
    const { annotator } = await one.annotator.openAnnotator({ annotator: one.spec });
    const view = await new LabelLog(store, annotator).table.head();
    const found = [...view.verdicts()].map(([key, label]) => {
      const { first, second } = pairOfKey(key);
      return { preferred: label.choice === 'first' ? first : label.choice === 'second' ? second : null, probability: label.probability, texts: [first, second].sort().join('|') };
    });
    expect(found.map(({ texts, preferred }) => [texts, preferred]).sort()).toEqual([['You kill it|a wall', 'You kill it'], ['You kill it|gold', 'You kill it'], ['a wall|gold', 'gold']]);
    expect(found.every(({ probability }) => probability === 0 || probability === 1 || probability === 0.25 || probability === 0.75)).toBe(true);
  });

  it('keeps second message, choice and status of each pair in its entries', async () => {
    const log = new LabelLog(store, 'p'.repeat(32));
    const records = [
      record('', { mode: 'pairwise', text: pair('x', 'y'), label: 0.5, choice: 'tie' }),
      record('', { mode: 'pairwise', text: pair('x', 'z'), status: 'unparsable', label: null, choice: null }),
    ];
    await log.append(records);
    const key = layout.label(log.annotator, 0);
    const read = decodeRecords((await store.get(key))!, key, log.annotator);
    expect(read.map(({ text, choice, status }) => [textKey(text), choice, status])).toEqual(records.map(({ text, choice, status }) => [textKey(text), choice, status]));
    expect([...(await log.table.head()).verdicts()].length).toBe(1);
  });

  it('is refused by a job whose reward looks up single messages', () => {
    const source = { kind: 'model', fit: 'retrieval', annotator: { mode: 'pairwise', goal: 'g', judge: { kind: 'scripted' } } };
    expect(() => resolveJob({ name: 'x', environment: { kind: 'grid-world' }, sources: { s: source }, combine: { op: 'linear', weights: { s: 1 } }, stop: { versions: 1 } })).toThrow(/annotator\.mode: expected pointwise/);
  });

  it('takes the word of people about pairs in either order', () => {
    const rows = (first: string, second: string, choice: string): string => `text,second,choice\n${first},${second},${choice}\n`;
    const [one] = readHumanLabels(rows('x', 'y', 'first'), 'a.csv', 'ann', 'now', 'pairwise');
    const [other] = readHumanLabels(rows('y', 'x', 'second'), 'a.csv', 'ann', 'now', 'pairwise');
    expect(other).toEqual(one);
    expect(one!.choice).toBe(textKey(pairOf(one!.text).first) === 'x' ? 'first' : 'second');
    expect(() => readHumanLabels(rows('x', 'y', 'both'), 'a.csv', 'ann', 'now', 'pairwise')).toThrow(/row 1/);
  });
});

describe('judges of pairs', () => {
  it('behind an OpenAI interface: ties count one half of the probability', async () => {
    server = await judgeServer(() => chatReply({ A: 0.2, B: 0.1, Same: 0.6 }));
    const [answer] = await ask({ kind: 'openai', baseUrl: server.baseUrl, model: 'm' }, [pair('x', 'y')]);
    expect(answer!.choice).toBe('tie');
    expect(answer!.probability).toBeCloseTo((0.2 + 0.3) / 0.9, 12);
    const turns = server.requests[0]!.body['messages'] as { content: string }[];
    expect(turns.at(-1)!.content).toMatch(/^A: [xy]\nB: [xy]$/);
    expect(turns[0]!.content).toContain('A, B or Same');
  });

  it('that favour a place are found out where both orders are asked', async () => {
    server = await judgeServer(() => textReply('A'));
    const spec = { kind: 'openai', baseUrl: server.baseUrl, model: 'm', logprobs: false };
    const [straight] = await ask(spec, [pair('x', 'y')]);
    const [both] = await ask(spec, [pair('x', 'y')], { pairs: { swap: true } });
    expect([straight!.choice, straight!.label]).toEqual(['first', 1]);
    expect([both!.choice, both!.label, both!.tokensIn]).toEqual(['tie', 0.5, 240]);
  });

  it('that answer a message consistently keep their answer where both orders are asked', async () => {
    const rules = { kind: 'scripted', rules: [{ pattern: 'kill', probability: 1 }] };
    const pairs = Array.from({ length: 8 }, (_, at) => pair(`kill ${at}`, `wall ${at}`));
    const straight = await ask(rules, pairs);
    const both = await ask(rules, pairs, { pairs: { swap: true } });
    expect(both.map(({ choice, label }) => [choice, label])).toEqual(straight.map(({ choice, label }) => [choice, label]));
    expect(new Set(straight.map(({ choice }) => choice))).toEqual(new Set(['first', 'second']));
  });

  it('inside the worker are read the same way; the small model favours the first place, which both orders bring to light', async () => {
    const question = pair('You kill the gnome lord!', 'The door is closed.');
    const [answer] = await ask({ kind: 'embedded' }, [question], { pairs: { swap: true } });
    const { straight, swapped: turned } = JSON.parse(answer!.reply) as Record<'straight' | 'swapped', string>;
    for (const reply of [straight, turned].map((one) => JSON.parse(one) as Record<string, number>)) expect(reply['A']!).toBeGreaterThan(Math.max(reply['B']!, reply['Same']!));
    expect(answer).toMatchObject({ status: 'ok', choice: 'tie' });
    expect(Math.abs(answer!.probability! - 0.5)).toBeLessThan(0.1);
  });

  it('are another annotator with swap than without', async () => {
    const [plain, both] = await Promise.all(
      [{}, { swap: true }].map(async (pairs) => {
        const spec = annotatorSpec({ kind: 'scripted' }, { mode: 'pairwise', pairs });
        return (await judgeOf(spec, promptOf(spec), resources)).material;
      }),
    );
    expect(both).not.toEqual(plain);
    const spec = annotatorSpec({ kind: 'scripted' });
    expect(await judgeOf(spec, promptOf(spec), resources).then(({ material }) => material)).toEqual((await createJudge(spec.judge, promptOf(spec), resources)).material);
  });
});
