/** What a network says of messages: a session, and what it said before. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { messageRows } from './text-network.js';

/** Scores kept; beyond them all are forgotten, which costs time and changes nothing. */
const KEPT_MAX = 200_000;

/** One thread, one message: the same bits whatever else is asked. */
const SESSION = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' } as const satisfies InferenceSession.SessionOptions;

export class TextScores {
  private readonly known = new Map<string, number>();

  private constructor(
    private readonly session: InferenceSession,
    private readonly characters: number,
  ) {}

  static async open(bytes: Uint8Array, characters: number): Promise<TextScores> {
    return new TextScores(await InferenceSession.create(bytes, SESSION), characters);
  }

  /** The network's number for each text. */
  async of(texts: readonly string[]): Promise<number[]> {
    if (this.known.size + texts.length > KEPT_MAX) this.known.clear();
    const scores: number[] = [];
    for (const text of texts) {
      let score = this.known.get(text);
      if (score === undefined) {
        const result = await this.session.run({ message: new Tensor('uint8', messageRows([text], this.characters), [1, this.characters]) });
        score = result['score']!.data[0] as number;
        this.known.set(text, score);
      }
      scores.push(score);
    }
    return scores;
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}
