/** Asks each pair or list in both orders, so that a judge that prefers a place and not a text is found out. */
import { reversedList } from '../list.js';
import { swapped } from '../pair.js';
import { textKey } from '../text-key.js';
import { answered, answeredList, unanswered, type AnswerRest, type AskOptions, type Judge, type JudgeAnswer, type Outcome, type Questions } from './judge.js';

/** How a question is put the other way round, and what two answers to it are together. */
export interface Turning {
  readonly turn: (question: Uint8Array) => Uint8Array;
  /** Of two that are both ok. */
  readonly both: (straight: JudgeAnswer, turned: JudgeAnswer, rest: AnswerRest) => JudgeAnswer;
}

/** Mean probability; choices that contradict each other are a tie. */
export const TURNED_PAIR: Turning = {
  turn: swapped,
  both(straight, turned, rest) {
    const turnedChoice = turned.choice === 'first' ? 'second' : turned.choice === 'second' ? 'first' : turned.choice;
    const choice = straight.choice === turnedChoice ? straight.choice : 'tie';
    const probability = straight.probability === null || turned.probability === null ? null : (straight.probability + 1 - turned.probability) / 2;
    return answered(((straight.label as number) + 1 - (turned.label as number)) / 2, probability, choice, rest);
  },
};

/** Mean value of each text. */
export const TURNED_LIST: Turning = {
  turn: reversedList,
  both(straight, turned, rest) {
    const values = straight.values as readonly number[];
    return answeredList(values.map((value, place) => (value + (turned.values?.[values.length - 1 - place] as number)) / 2), rest);
  },
};

interface Half {
  readonly index: number;
  readonly text: Uint8Array;
  readonly turned: Uint8Array;
  readonly outcomes: (Outcome | undefined)[];
}

/** Two questions of the judge make one answer; a question that is the same both ways is asked once. */
export class SwappedJudge implements Judge {
  readonly id: string;
  readonly digest: string;
  readonly material: Readonly<Record<string, unknown>>;
  readonly concurrency: number;

  constructor(
    private readonly inner: Judge,
    private readonly turning: Turning,
  ) {
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
    const { turn, both } = this.turning;
    const open = new Map<string, Half>();
    let pulled = 0;
    const asked = (async function* (): AsyncGenerator<Uint8Array> {
      for await (const text of questions) {
        const half: Half = { index: pulled++, text, turned: turn(text), outcomes: [] };
        open.set(textKey(text), half);
        yield text;
        if (Buffer.compare(text, half.turned) === 0) continue;
        open.set(textKey(half.turned), half);
        yield half.turned;
      }
    })();
    for await (const outcome of this.inner.ask(asked, options)) {
      const key = textKey(outcome.text);
      const half = open.get(key) as Half;
      const [straightKey, turnedKey] = [textKey(half.text), textKey(half.turned)];
      half.outcomes[key === straightKey ? 0 : 1] = outcome;
      const [straight, turned] = straightKey === turnedKey ? [outcome, outcome] : half.outcomes;
      if (straight === undefined || turned === undefined) continue;
      open.delete(straightKey);
      open.delete(turnedKey);
      yield straight === turned ? { ...straight, index: half.index } : merged(half, straight, turned, both);
    }
  }
}

function merged({ index, text }: Half, straight: Outcome, turned: Outcome, both: Turning['both']): Outcome {
  if (straight.kind === 'unavailable') return { ...straight, index, text };
  if (turned.kind === 'unavailable') return { ...turned, index, text };
  return { kind: 'answer', index, text, answer: bothAnswers(straight.answer, turned.answer, both) };
}

function bothAnswers(straight: JudgeAnswer, turned: JudgeAnswer, both: Turning['both']): JudgeAnswer {
  const rest = {
    reply: JSON.stringify({ straight: straight.reply, swapped: turned.reply }),
    tokensIn: straight.tokensIn + turned.tokensIn,
    tokensOut: straight.tokensOut + turned.tokensOut,
    latencyMs: Math.max(straight.latencyMs, turned.latencyMs),
  };
  if (straight.status !== 'ok') return unanswered(straight.status, rest);
  if (turned.status !== 'ok') return unanswered(turned.status, rest);
  return both(straight, turned, rest);
}
