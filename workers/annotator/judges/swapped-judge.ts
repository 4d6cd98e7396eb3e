/** Asks each pair in both orders, so that a judge that prefers a place and not a message is found out. */
import { swapped } from '../pair.js';
import { textKey } from '../text-key.js';
import { answered, unanswered, type AskOptions, type Judge, type JudgeAnswer, type Outcome, type Questions } from './judge.js';

interface Half {
  readonly index: number;
  readonly text: Uint8Array;
  readonly outcomes: (Outcome | undefined)[];
}

/** Two questions of the judge make one answer: mean probability; choices that contradict each other are a tie. */
export class SwappedJudge implements Judge {
  readonly id: string;
  readonly digest: string;
  readonly material: Readonly<Record<string, unknown>>;
  readonly concurrency: number;

  constructor(private readonly inner: Judge) {
    this.id = inner.id;
    this.digest = inner.digest;
    this.concurrency = inner.concurrency;
    this.material = { ...inner.material, swap: true };
  }

  get trouble(): Judge['trouble'] {
    return this.inner.trouble;
  }

  dispose(): Promise<void> {
    return this.inner.dispose();
  }

  async *ask(questions: Questions, options: AskOptions): AsyncIterable<Outcome> {
    const open = new Map<string, Half>();
    let pulled = 0;
    const both = (async function* (): AsyncGenerator<Uint8Array> {
      for await (const text of questions) {
        const half: Half = { index: pulled++, text, outcomes: [] };
        const turned = swapped(text);
        open.set(textKey(text), half);
        open.set(textKey(turned), half);
        yield text;
        yield turned;
      }
    })();
    for await (const outcome of this.inner.ask(both, options)) {
      const key = textKey(outcome.text);
      const half = open.get(key) as Half;
      half.outcomes[key === textKey(half.text) ? 0 : 1] = outcome;
      const [straight, turned] = half.outcomes;
      if (straight === undefined || turned === undefined) continue;
      open.delete(textKey(half.text));
      open.delete(textKey(swapped(half.text)));
      yield merged(half, straight, turned);
    }
  }
}

function merged({ index, text }: Half, straight: Outcome, turned: Outcome): Outcome {
  if (straight.kind === 'unavailable') return { ...straight, index, text };
  if (turned.kind === 'unavailable') return { ...turned, index, text };
  return { kind: 'answer', index, text, answer: bothAnswers(straight.answer, turned.answer) };
}

function bothAnswers(straight: JudgeAnswer, turned: JudgeAnswer): JudgeAnswer {
  const rest = {
    reply: JSON.stringify({ straight: straight.reply, swapped: turned.reply }),
    tokensIn: straight.tokensIn + turned.tokensIn,
    tokensOut: straight.tokensOut + turned.tokensOut,
    latencyMs: Math.max(straight.latencyMs, turned.latencyMs),
  };
  if (straight.status !== 'ok') return unanswered(straight.status, rest);
  if (turned.status !== 'ok') return unanswered(turned.status, rest);
  const turnedChoice = turned.choice === 'first' ? 'second' : turned.choice === 'second' ? 'first' : turned.choice;
  const choice = straight.choice === turnedChoice ? straight.choice : 'tie';
  const probability = straight.probability === null || turned.probability === null ? null : (straight.probability + 1 - turned.probability) / 2;
  return answered(((straight.label as number) + 1 - (turned.label as number)) / 2, probability, choice, rest);
}
