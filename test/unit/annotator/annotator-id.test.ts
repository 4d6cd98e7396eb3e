import { describe, expect, it } from 'vitest';
import type { AnnotatorSpec } from '../../../proto/judges.js';
import { describeAnnotator } from '../../../workers/annotator/annotator-id.js';
import { createJudge } from '../../../workers/annotator/judges/create-judge.js';
import { PROMPT_TEMPLATES, promptOf } from '../../../workers/annotator/prompts/registry.js';
import { annotatorSpec, gemma } from './support.js';

async function idOf(spec: AnnotatorSpec, secret = 'one'): Promise<string> {
  const prompt = promptOf(spec);
  const judge = await createJudge(spec.judge, prompt, { modelPath: () => gemma(), secret: () => secret });
  return describeAnnotator(spec, judge, prompt).annotator;
}

const SCRIPTED = { kind: 'scripted', rules: [{ pattern: 'a', probability: 0.5 }], otherwise: 0.25, noise: 0.1 };
const OPENAI = { kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', model: 'm', apiKey: { env: 'KEY' } };

describe('the id of an annotator', () => {
  it.each([
    ['judge', { kind: 'scripted', otherwise: 0.5 }, {}],
    ['rules', { ...SCRIPTED, rules: [{ pattern: 'b', probability: 0.5 }] }, {}],
    ['noise', { ...SCRIPTED, noise: 0.2 }, {}],
    ['goal', SCRIPTED, { goal: 'find gold' }],
    ['prompt', SCRIPTED, { prompt: 'grid-v1' }],
    ['examples', SCRIPTED, { examples: [{ text: 'x', helpful: true }] }],
  ])('changes with the %s', async (_what, judge, change) => {
    expect(await idOf(annotatorSpec(judge, change))).not.toBe(await idOf(annotatorSpec(SCRIPTED)));
  });

  it.each([
    ['delayMs', { ...SCRIPTED, delayMs: 10 }, {}],
    ['callMs, pendingMax and attemptsMax', SCRIPTED, { callMs: 100, pendingMax: 7, attemptsMax: 9 }],
    ['threshold and answer, which the reward side applies', SCRIPTED, { threshold: 0.9, answer: 'probability' }],
    ['examples that are those of the template', SCRIPTED, { examples: promptOf({ goal: 'x', prompt: 'helpful-v3' }).template.examples }],
  ])('does not change with %s', async (_what, judge, change) => {
    expect(await idOf(annotatorSpec(judge, change))).toBe(await idOf(annotatorSpec(SCRIPTED)));
  });

  it('changes with what a server is asked, not with how patiently', async () => {
    const base = await idOf(annotatorSpec(OPENAI));
    for (const change of [{ model: 'n' }, { baseUrl: 'http://127.0.0.1:2/v1' }, { api: 'completions' }, { logprobs: false }, { massFloor: 0.3 }, { temperature: 0.5 }]) {
      expect(await idOf(annotatorSpec({ ...OPENAI, ...change })), JSON.stringify(change)).not.toBe(base);
    }
    for (const change of [{ concurrency: 3 }, { timeoutMs: 999 }, { baseUrl: `${OPENAI.baseUrl}/` }, { apiKey: { env: 'OTHER' } }]) {
      expect(await idOf(annotatorSpec({ ...OPENAI, ...change }), 'two'), JSON.stringify(change)).toBe(base);
    }
  });

  it('holds the digest of the model file, not its path or the number of threads', async () => {
    const named = await idOf(annotatorSpec({ kind: 'embedded' }));
    expect(await idOf(annotatorSpec({ kind: 'embedded', threads: 2, model: { path: await gemma() } }))).toBe(named);
    expect(await idOf(annotatorSpec({ kind: 'embedded', massFloor: 0.5 }))).not.toBe(named);
  });

  it('is the same for ever where nothing changes', async () => {
    expect(await idOf(annotatorSpec({ kind: 'scripted', otherwise: 0.5 }, { goal: 'g', prompt: 'helpful-v1', examples: [] }))).toBe('ce1cfe624d5456525d15a84efef58ab7');
  });
});

describe('prompts', () => {
  it('stand by name in the resolved job, so that a later default changes no run that has begun', () => {
    const judge = { kind: 'scripted' };
    expect(annotatorSpec(judge).prompt).toBe('helpful-v3');
    expect(annotatorSpec(judge, { mode: 'pairwise' }).prompt).toBe('preferred-v1');
    // Jobs that were resolved before that have no name in them; their labels were asked for with this one.
    expect(promptOf({ goal: 'x', prompt: null }).template.name).toBe('helpful-v1');
  });

  it('names the templates there are where a job names another', () => {
    expect(() => promptOf({ goal: 'x', prompt: 'none' })).toThrow(/helpful-v1, grid-v1/u);
    expect(new Set(PROMPT_TEMPLATES.map((template) => template.name)).size).toBe(PROMPT_TEMPLATES.length);
  });

  it('puts goal, examples and message into one text, each message on one line', () => {
    const prompt = promptOf({ goal: 'find gold', prompt: 'helpful-v1', examples: [{ text: 'You dig.', helpful: true }, { text: 'You\nsleep.', helpful: false }] });
    expect(prompt.completion(new Uint8Array(Buffer.from('You see \u0000 gold.\nMessage: x -> Yes')))).toBe(
      `${prompt.template.question.replace('{goal}', 'find gold')}\nMessage: You dig. -> Yes\nMessage: You sleep. -> No\nMessage: You see gold. Message: x -> Yes ->`,
    );
    expect(prompt.chat(new Uint8Array(Buffer.from('You dig.'))).map((turn) => turn.role)).toEqual(['system', 'user', 'assistant', 'user', 'assistant', 'user']);
  });

  it('reads bytes as UTF-8 where they are that, else byte by byte', () => {
    const prompt = promptOf({ goal: 'x', prompt: 'helpful-v1' });
    expect(prompt.message(new Uint8Array(Buffer.from('Kämpfe', 'utf8')))).toBe('Kämpfe');
    expect(prompt.message(new Uint8Array(Buffer.from('Kämpfe', 'latin1')))).toBe('Kämpfe');
  });
});
