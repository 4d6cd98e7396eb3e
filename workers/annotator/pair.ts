/** Two messages as one question: `pairwise` annotators ask which of them shows more of what the goal names. */
import { createHash } from 'node:crypto';
import { CounterRandom } from '../../proto/philox.js';
import { textKey, textOfKey } from './text-key.js';
import { cleanText, decodeText } from './prompts/message-text.js';

/** Two messages, byte for byte, in the order in which a judge sees them. */
export interface Pair {
  readonly first: Uint8Array;
  readonly second: Uint8Array;
}

/** Draws of one segment that found nothing new before it counts as drawn out, for each pair wanted. */
const TRIES_FOR_EACH = 8;

/**
 * One pair as bytes, the name by which backlog and label log know the question: length of the first message in decimal, a
 * colon, both messages. The same two messages have one name: which of them comes first is decided by a hash of both, so
 * that the order says nothing about them.
 */
export function pairText(a: Uint8Array, b: Uint8Array): Uint8Array {
  const [low, high] = Buffer.compare(a, b) <= 0 ? [a, b] : [b, a];
  const turned = ((createHash('sha256').update(`${low.byteLength}:`).update(low).update(high).digest()[0] as number) & 1) === 1;
  return encode(turned ? { first: high, second: low } : { first: low, second: high });
}

/** The two messages of a question. @throws RangeError where the bytes are no pair */
export function pairOf(text: Uint8Array): Pair {
  const colon = text.indexOf(0x3a);
  const length = Number(Buffer.from(text.subarray(0, Math.max(0, colon))).toString('latin1'));
  if (colon < 1 || !Number.isSafeInteger(length) || length < 0 || colon + 1 + length > text.byteLength) throw new RangeError('expected a pair of messages, got other bytes');
  return { first: text.subarray(colon + 1, colon + 1 + length), second: text.subarray(colon + 1 + length) };
}

/** As `pairOf`, from the key of a label. */
export function pairOfKey(key: string): { readonly first: string; readonly second: string } {
  const { first, second } = pairOf(textOfKey(key));
  return { first: textKey(first), second: textKey(second) };
}

/** The same pair the other way round; only a judge that is asked in both orders sees it. */
export function swapped(text: Uint8Array): Uint8Array {
  const { first, second } = pairOf(text);
  return encode({ first: second, second: first });
}

function encode({ first, second }: Pair): Uint8Array {
  return new Uint8Array(Buffer.concat([Buffer.from(`${first.byteLength}:`, 'latin1'), first, second]));
}

export interface PairDraw {
  /** Seed of the run. */
  readonly seed: number;
  readonly shard: number;
  readonly seq: number;
  /** Pairs wanted; fewer come where the messages do not give so many. */
  readonly count: number;
}

/**
 * Distinct pairs of the distinct messages of a segment (text keys, in their order), drawn uniformly by Philox keyed by
 * (seed, shard, seq): the same segment of the same run gives the same pairs. Messages that look the same to a judge are
 * not compared.
 */
export function drawPairs(messages: readonly string[], { seed, shard, seq, count }: PairDraw): string[] {
  const shown = messages.map((key) => cleanText(decodeText(textOfKey(key))));
  const random = new CounterRandom(seed, 'pairs');
  const found = new Set<string>();
  const most = Math.min(count, (messages.length * (messages.length - 1)) / 2);
  for (let draw = 0; found.size < most && draw < count * TRIES_FOR_EACH; draw++) {
    const words = random.at(shard, seq, draw);
    const [a, b] = [words[0]! % messages.length, words[1]! % messages.length];
    if (a === b || shown[a] === shown[b] || shown[a] === '' || shown[b] === '') continue;
    found.add(textKey(pairText(textOfKey(messages[a]!), textOfKey(messages[b]!))));
  }
  return [...found];
}
