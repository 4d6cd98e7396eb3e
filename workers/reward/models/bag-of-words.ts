/**
 * Fit `bag-of-words`: cosine of the message and the goal, both as sums of word vectors; 0 where it is not above the
 * threshold (the baseline ELLM-BoW of arXiv 2410.23022). The published one takes vectors learned from a large text; here a
 * vector is the mean of random signs hashed from the word and its parts of three to five letters, so `kill` is near
 * `killed`, and not near `slay`. Nothing is fetched, and a value depends on the message alone.
 */
import type { BagOfWordsSpec } from '../../../proto/reward-fits.js';
import { CounterRandom } from '../../../proto/philox.js';
import { decodeText } from '../../annotator/prompts/message-text.js';
import { textOfKey } from '../../annotator/label-record.js';
import type { TextValues } from './text-values.js';

const PARTS = [3, 4, 5] as const;
/** Word vectors kept; beyond them all are forgotten, which costs time and changes nothing. */
const KEPT_MAX = 50_000;

export function bagOfWordsValues(spec: BagOfWordsSpec, goal: string): TextValues {
  const words = new WordVectors(spec.dimensions);
  const wanted = words.sum(spec.goal ?? goal);
  return (text) => {
    const similarity = cosine(words.sum(decodeText(textOfKey(text))), wanted);
    return { value: similarity > spec.threshold ? similarity : 0, confidence: 1, version: 0 };
  };
}

export class WordVectors {
  private readonly random = new CounterRandom(0, 'fit');
  private readonly known = new Map<string, Float64Array>();

  constructor(private readonly dimensions: number) {}

  /** Sum over the words of a text: letters and digits, in lower case. */
  sum(text: string): Float64Array {
    const total = new Float64Array(this.dimensions);
    for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) add(total, this.of(word), 1);
    return total;
  }

  private of(word: string): Float64Array {
    const known = this.known.get(word);
    if (known) return known;
    const vector = new Float64Array(this.dimensions);
    const parts = [word, ...PARTS.flatMap((length) => substrings(`<${word}>`, length))];
    for (const part of parts) this.addSigns(vector, part, 1 / parts.length);
    if (this.known.size >= KEPT_MAX) this.known.clear();
    this.known.set(word, vector);
    return vector;
  }

  /** 128 signs from each draw, by the hash of the part. */
  private addSigns(vector: Float64Array, part: string, scale: number): void {
    const hash = fnv(part);
    for (let at = 0; at < vector.length; at += 128) {
      const words = this.random.at(hash, part.length, at, 9);
      for (let bit = 0; bit < 128 && at + bit < vector.length; bit++) {
        vector[at + bit] = (vector[at + bit] as number) + ((((words[bit >> 5] as number) >>> (bit & 31)) & 1) === 1 ? scale : -scale);
      }
    }
  }
}

export function cosine(a: Float64Array, b: Float64Array): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  a.forEach((value, index) => {
    const other = b[index] as number;
    dot += value * other;
    aa += value * value;
    bb += other * other;
  });
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

function add(total: Float64Array, vector: Float64Array, scale: number): void {
  for (let index = 0; index < total.length; index++) total[index] = (total[index] as number) + scale * (vector[index] as number);
}

function substrings(word: string, length: number): string[] {
  return Array.from({ length: Math.max(0, word.length - length + 1) }, (_, at) => word.slice(at, at + length));
}

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
