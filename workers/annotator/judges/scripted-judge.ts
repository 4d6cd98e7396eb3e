/** A judge that follows written rules: for measurements, and for people who write rules before they ask a model. */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { LaurelError } from '../../../proto/errors.js';
import type { JudgeMode, PairChoice, ScriptedJudgeSpec } from '../../../proto/judges.js';
import { CounterRandom } from '../../../proto/philox.js';
import { hashOf } from '../../store/artifacts.js';
import { listOf } from '../list.js';
import { pairOf } from '../pair.js';
import { taskAndAnswer } from '../prompts/list-prompt.js';
import { decodeText } from '../prompts/message-text.js';
import { answered, answeredList } from './judge.js';
import type { AskOptions, Judge, JudgeAnswer, Outcome, Questions } from './judge.js';
import { pipelined } from './pipeline.js';

export class ScriptedJudge implements Judge {
  readonly id = 'scripted';
  readonly digest: string;
  readonly material: Readonly<Record<string, unknown>>;
  readonly concurrency = 1;
  readonly trouble = undefined;
  private readonly rules: readonly { readonly pattern: RegExp; readonly probability: number }[];
  private readonly random = new CounterRandom(0, 'judgeNoise');

  /** @throws LaurelError LAUREL_JOB_INVALID where a pattern is no regular expression */
  constructor(
    private readonly spec: ScriptedJudgeSpec,
    private readonly mode: JudgeMode = 'pointwise',
  ) {
    const { kind, rules, otherwise, noise } = spec;
    this.material = { kind, rules, otherwise, noise };
    this.digest = hashOf(this.material);
    this.rules = rules.map(({ pattern, probability }, index) => ({ pattern: compile(pattern, index), probability }));
  }

  ask(questions: Questions, options: AskOptions): AsyncIterable<Outcome> {
    return pipelined(questions, this.concurrency, (text, index, signal) => this.askOne(text, index, signal), options);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  private async askOne(text: Uint8Array, index: number, signal: AbortSignal): Promise<Outcome> {
    const startedAt = performance.now();
    if (this.spec.delayMs > 0) await wait(this.spec.delayMs, undefined, { signal });
    if (this.mode === 'listwise') return { kind: 'answer', index, text, answer: this.score(text, performance.now() - startedAt) };
    const { value: clean, why } = this.mode === 'pairwise' ? this.compare(text) : this.judge(text);
    const turned = this.uniform(text) < this.spec.noise;
    const label = turned ? 1 - clean : clean;
    const choice = this.mode === 'pairwise' ? preferred(label) : null;
    const reply = `${why}${turned ? ', turned round' : ''}`;
    return { kind: 'answer', index, text, answer: answered(label, label, choice, { reply, tokensIn: 0, tokensOut: 0, latencyMs: performance.now() - startedAt }) };
  }

  /** What the rules say of each text alone, in steps of a quarter as scores are. */
  private score(question: Uint8Array, latencyMs: number): JudgeAnswer {
    const { task, texts } = listOf(question);
    const judged = texts.map((text) => {
      const single = new Uint8Array(Buffer.from(taskAndAnswer(task, text), 'utf8'));
      const { value, why } = this.judge(single);
      const turned = this.uniform(single) < this.spec.noise;
      return { value: Math.round(4 * (turned ? 1 - value : value)) / 4, why: `${why}${turned ? ', turned round' : ''}` };
    });
    return answeredList(judged.map(({ value }) => value), { reply: judged.map(({ why }) => why).join('; '), tokensIn: 0, tokensOut: 0, latencyMs });
  }

  private judge(text: Uint8Array): { readonly value: number; readonly why: string } {
    const message = decodeText(text);
    const rule = this.rules.findIndex(({ pattern }) => pattern.test(message));
    return { value: this.rules[rule]?.probability ?? this.spec.otherwise, why: rule < 0 ? 'otherwise' : `rule ${rule}` };
  }

  /** One half, and half of what the first message is worth more. */
  private compare(text: Uint8Array): { readonly value: number; readonly why: string } {
    const { first, second } = pairOf(text);
    const [a, b] = [this.judge(first), this.judge(second)];
    return { value: (1 + a.value - b.value) / 2, why: `${a.why} against ${b.why}` };
  }

  /** In [0, 1), by the message alone. */
  private uniform(text: Uint8Array): number {
    const digest = createHash('sha256').update(text).digest();
    return this.random.uniform(digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), digest.readUInt32LE(12));
  }
}

function preferred(label: number): PairChoice {
  return label > 0.5 ? 'first' : label < 0.5 ? 'second' : 'tie';
}

function compile(pattern: string, index: number): RegExp {
  try {
    return new RegExp(pattern);
  } catch (cause) {
    throw new LaurelError('LAUREL_JOB_INVALID', `expected judge.rules[${index}].pattern to be a regular expression, got ${JSON.stringify(pattern)}: ${(cause as Error).message}`, { index, pattern }, { cause });
  }
}
