import { describe, expect, it } from 'vitest';
import { judgeSchema } from '../../../proto/judges.js';
import type { ScriptedJudgeSpec } from '../../../proto/judges.js';
import type { JudgeAnswer } from '../../../workers/annotator/judges/judge.js';
import { ScriptedJudge } from '../../../workers/annotator/judges/scripted-judge.js';
import { bytes } from './support.js';

async function labels(spec: Record<string, unknown>, texts: readonly string[]): Promise<(number | null)[]> {
  const judge = new ScriptedJudge(judgeSchema.parse({ kind: 'scripted', ...spec }) as ScriptedJudgeSpec);
  const found: JudgeAnswer[] = [];
  for await (const outcome of judge.ask(texts.map(bytes), { signal: new AbortController().signal })) {
    if (outcome.kind === 'answer') found[outcome.index] = outcome.answer;
  }
  return found.map((answer) => answer.label);
}

describe('the scripted judge', () => {
  it('answers by the first rule that matches, else by its default', async () => {
    const rules = [{ pattern: '^You kill', probability: 1 }, { pattern: 'kill', probability: 0.25 }];
    expect(await labels({ rules, otherwise: 0.5 }, ['You kill it', 'It is killed', 'nothing'])).toEqual([1, 0.25, 0.5]);
  });

  it('turns the planted share of answers round, the same messages each time and in any order', async () => {
    const texts = Array.from({ length: 2000 }, (_, index) => `message ${index}`);
    const first = await labels({ noise: 0.2 }, texts);
    const turned = first.filter((label) => label === 1).length;
    // Binomial(2000, 0.2): six standard deviations are 107.
    expect(Math.abs(turned - 400)).toBeLessThan(107);
    expect(await labels({ noise: 0.2 }, [...texts].reverse())).toEqual([...first].reverse());
    expect((await labels({ noise: 0 }, texts)).every((label) => label === 0)).toBe(true);
  });

  it('gives up its waiting when it is aborted', async () => {
    const judge = new ScriptedJudge(judgeSchema.parse({ kind: 'scripted', delayMs: 60_000 }) as ScriptedJudgeSpec);
    const aborting = new AbortController();
    const asking = (async () => {
      for await (const outcome of judge.ask([bytes('a')], { signal: aborting.signal })) expect(outcome).toBeUndefined();
    })();
    aborting.abort(new Error('stop'));
    await expect(asking).rejects.toThrow('stop');
  });

  it('names a pattern that is no regular expression', () => {
    expect(() => new ScriptedJudge(judgeSchema.parse({ kind: 'scripted', rules: [{ pattern: '(', probability: 1 }] }) as ScriptedJudgeSpec)).toThrow(/rules\[0\]\.pattern/u);
  });
});
