/** Which labels a version is trained on and which are held out, drawn so that neither time nor memory grows with the log. */
import { CounterRandom } from '../../../proto/philox.js';

/** Texts that are looked at to count classes and to test on: all of them, or that many drawn ones. */
const SURVEY_MAX = 4096;
/** Draws for one row before a text that is held out is taken for lack of others. */
const TRIES_MAX = 64;

/** What the words of a draw's counter are for, so that no two uses share one. */
const STREAM = { heldOut: 1, fresh: 2, replayed: 3, survey: 4 } as const;

export interface TrainingSetOptions {
  readonly seed: number;
  readonly heldOut: number;
  /** Labelled texts in the order of their first label; those before `freshFrom` were there for the version before. */
  readonly texts: { readonly length: number; at(index: number): string };
  readonly freshFrom: number;
  /** Whether the index of a text is at least `freshFrom`. */
  readonly isFresh: (text: string) => boolean;
}

export class TrainingSet {
  private readonly random: CounterRandom;

  constructor(private readonly options: TrainingSetOptions) {
    this.random = new CounterRandom(options.seed, 'fit');
  }

  get fresh(): number {
    return this.options.texts.length - this.options.freshFrom;
  }

  get old(): number {
    return this.options.freshFrom;
  }

  /** 0..1 by the text alone: below `heldOut` it is never trained on. Two halves of the held out: to calibrate, to test. */
  share(text: string): number {
    const [low, high] = textHash(text);
    return this.random.uniform(low, high, STREAM.heldOut);
  }

  isHeldOut(text: string): boolean {
    return this.share(text) < this.options.heldOut;
  }

  /** Texts of one optimiser step: `replayed` of them from before, the others new; drawn with replacement. */
  batch(step: number, rows: number, replayed: number): string[] {
    const old = this.old === 0 ? 0 : this.fresh === 0 ? rows : replayed;
    return Array.from({ length: rows }, (_, row) => (row < old ? this.draw(step, row, 0, this.old, STREAM.replayed) : this.draw(step, row, this.old, this.fresh, STREAM.fresh)));
  }

  /** Distinct texts that stand for all: all of them where they are few, else drawn ones. */
  survey(): string[] {
    const { texts } = this.options;
    if (texts.length <= SURVEY_MAX) return Array.from({ length: texts.length }, (_, index) => texts.at(index));
    const found = new Set<string>();
    for (let draw = 0; draw < SURVEY_MAX; draw++) found.add(texts.at(Math.floor(this.random.uniform(draw, 0, STREAM.survey) * texts.length)));
    return [...found];
  }

  /** It got its label after the version before. */
  isFresh(text: string): boolean {
    return this.options.isFresh(text);
  }

  private draw(step: number, row: number, from: number, count: number, stream: number): string {
    let text = '';
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      text = this.options.texts.at(from + Math.floor(this.random.uniform(step, row, stream, attempt) * count));
      if (!this.isHeldOut(text)) return text;
    }
    return text;
  }
}

/** Two words of FNV-1a over the characters, one of them from the other end. */
function textHash(text: string): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    low = Math.imul(low ^ text.charCodeAt(index), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(text.length - 1 - index), 0x01000193);
  }
  return [low >>> 0, high >>> 0];
}
