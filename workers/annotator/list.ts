/** Texts of one group as one question: a judge of lists scores each of them, in view of all the others. */
import { createHash } from 'node:crypto';
import { LIST_TEXTS_MAX } from '../../proto/reward-judge.js';
import { CounterRandom } from '../../proto/philox.js';

export interface TextList {
  /** What all of them answer; null: it is not shown. */
  readonly task: string | null;
  /** In the order in which the judge sees them; no two are the same. */
  readonly texts: readonly string[];
}

/** A, B, C, ...: the name of the text at each place says nothing about it. */
export function listLabels(count: number): string[] {
  return Array.from({ length: count }, (_, place) => String.fromCharCode(65 + place));
}

/**
 * One list as bytes: each distinct text once, in an order drawn by Philox, which is addressed by a digest of what is asked.
 * So the same texts make the same question, whichever of them was written first, and whoever has them knows the order.
 */
export function listText(task: string | null, texts: readonly string[]): Uint8Array {
  const left = [...new Set(texts)].sort();
  const digest = createHash('sha256').update(JSON.stringify([task, left])).digest();
  const random = new CounterRandom(0, 'listOrder');
  const uniform = (place: number): number => random.uniform(digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), place);
  const shown = Array.from({ length: left.length }, (_, place) => left.splice(Math.floor(uniform(place) * left.length), 1)[0] as string);
  return encode({ task, texts: shown });
}

/** The list of a question. @throws RangeError where the bytes are no list */
export function listOf(question: Uint8Array): TextList {
  const { task, texts } = JSON.parse(Buffer.from(question).toString('utf8')) as TextList;
  if (!Array.isArray(texts) || texts.length === 0 || texts.length > LIST_TEXTS_MAX) throw new RangeError(`expected a list of 1 to ${LIST_TEXTS_MAX} texts, got other bytes`);
  return { task, texts };
}

/** The same list from its end; only a judge that is asked in both orders sees it. */
export function reversedList(question: Uint8Array): Uint8Array {
  const { task, texts } = listOf(question);
  return encode({ task, texts: [...texts].reverse() });
}

function encode(list: TextList): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(list), 'utf8'));
}
