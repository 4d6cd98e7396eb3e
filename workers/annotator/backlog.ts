/** What is still to be asked: (messages of the segments) minus (label log) minus (being asked). Never a truth of its own. */
import { binaryColumn } from '../../proto/flight/tables.js';
import type { NormalForm } from '../../proto/judges.js';
import type { SegmentRef } from '../../proto/references.js';
import { SEGMENT_COLUMNS } from '../../proto/schemas.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import type { LabelView } from './label-table.js';
import { normalKey } from './normal-form.js';
import { drawPairs, type PairDraw } from './pair.js';
import { cleanText, decodeText } from './prompts/message-text.js';
import { textKey, textOfKey } from './text-key.js';

/** Messages kept decoded, over all segments; the least recently used segments go first. */
const CACHED_TEXTS_MAX = 500_000;

/** Distinct messages of segments, as text keys (label-record, textKey). */
export class SegmentMessages {
  private readonly cache = new Map<string, readonly string[]>();
  private cachedTexts = 0;

  constructor(
    private readonly reader: ArtifactReader,
    private readonly cachedTextsMax = CACHED_TEXTS_MAX,
  ) {}

  /**
   * Distinct normal forms of the messages of `segments` (newest last), newest first; blank ones are left out: there is nothing to ask.
   * @throws LaurelError LAUREL_STORE_MISSING, LAUREL_STORE_CORRUPT, LAUREL_STORE_UNAVAILABLE, LAUREL_TRANSPORT_FAILED
   */
  async newestFirst(segments: readonly SegmentRef[], form: NormalForm, signal?: AbortSignal): Promise<string[]> {
    const messages = await Promise.all(segments.map((segment) => this.formsOf(segment, form, signal)));
    return [...new Set(messages.reverse().flat())];
  }

  /**
   * Distinct pairs of messages in their normal form, those of the newest segment first; a pair compares messages of one segment.
   * @throws as newestFirst
   */
  async pairsNewestFirst(segments: readonly SegmentRef[], form: NormalForm, draw: Pick<PairDraw, 'seed' | 'count'>, signal?: AbortSignal): Promise<string[]> {
    const found = new Set<string>();
    for (const segment of segments.toReversed()) {
      const { shard, seq } = segment;
      for (const key of drawPairs(await this.formsOf(segment, form, signal), { ...draw, shard, seq })) found.add(key);
    }
    return [...found];
  }

  private async formsOf(segment: SegmentRef, form: NormalForm, signal: AbortSignal | undefined): Promise<readonly string[]> {
    const keys = await this.ofSegment(segment, signal);
    return form === 'raw' ? keys : [...new Set(keys.map((key) => normalKey(form, key)))];
  }

  private async ofSegment(segment: SegmentRef, signal: AbortSignal | undefined): Promise<readonly string[]> {
    const known = this.cache.get(segment.digest);
    if (known !== undefined) {
      this.cache.delete(segment.digest);
      this.cache.set(segment.digest, known);
      return known;
    }
    const table = await this.reader.columns(segment, [SEGMENT_COLUMNS.text], signal);
    const keys = distinctNewestFirst([...binaryColumn(table, SEGMENT_COLUMNS.text)], segment.environments, segment.steps);
    this.cache.set(segment.digest, keys);
    this.cachedTexts += keys.length;
    for (const [digest, texts] of this.cache) {
      if (this.cachedTexts <= this.cachedTextsMax || this.cache.size === 1) break;
      this.cache.delete(digest);
      this.cachedTexts -= texts.length;
    }
    return keys;
  }
}

/** Rows are environment-major, so time runs within each environment: the last step of all of them comes first. */
export function distinctNewestFirst(texts: readonly Uint8Array[], environments: number, steps: number): string[] {
  const found = new Set<string>();
  for (let step = steps - 1; step >= 0; step--) {
    for (let environment = 0; environment < environments; environment++) {
      const text = texts[environment * steps + step];
      if (text !== undefined && text.byteLength > 0) found.add(textKey(text));
    }
  }
  return [...found].filter((key) => cleanText(decodeText(textOfKey(key))) !== '');
}

export interface Backlog {
  /** Messages to ask now, newest first. */
  readonly ask: readonly string[];
  readonly known: number;
  /** Being asked by an earlier call. */
  readonly inFlight: number;
  /** Asked in vain so often that they are not asked again. */
  readonly exhausted: number;
  /** Beyond the bound: given up for now. */
  readonly dropped: number;
}

export interface BacklogLimits {
  readonly pendingMax: number;
  readonly attemptsMax: number;
}

/** Sorts distinct messages (newest first) by what is known of them. Pure. */
export function planBacklog(messages: readonly string[], view: Pick<LabelView, 'get' | 'failedAttempts'>, inFlight: ReadonlySet<string>, limits: BacklogLimits): Backlog {
  const ask: string[] = [];
  const counts = { known: 0, inFlight: 0, exhausted: 0, dropped: 0 };
  for (const key of messages) {
    if (view.get(key) !== undefined) counts.known++;
    else if (inFlight.has(key)) counts.inFlight++;
    else if (view.failedAttempts(key) >= limits.attemptsMax) counts.exhausted++;
    else if (ask.length >= limits.pendingMax) counts.dropped++;
    else ask.push(key);
  }
  return { ask, ...counts };
}
