/** Which messages a run saw most: counted in some of its segments, so that a long run has its report in seconds too. */
import { binaryColumn } from '../../proto/flight/column-readers.js';
import { readTables } from '../../proto/flight/tables.js';
import { SEGMENT_COLUMNS } from '../../proto/schemas.js';
import { textKey, textOfKey } from '../annotator/label-record.js';
import { cleanText, decodeText } from '../annotator/prompts/message-text.js';
import { evenly } from '../evenly.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { MessageSample } from './report-data.js';

const SEGMENTS_MAX = 48;
const COMMON_MAX = 60;

export async function sampleMessages(store: ObjectStore, run: string): Promise<MessageSample> {
  const objects = await store.list(layout.segments(run));
  const chosen = evenly(objects, SEGMENTS_MAX);
  const counts = new Map<string, number>();
  let transitions = 0;
  for (const { key } of chosen) {
    const bytes = await store.get(key);
    // The transitions, then the boundary.
    const table = bytes === undefined ? undefined : readTables(bytes)[0];
    if (table === undefined) continue;
    const texts = binaryColumn(table, SEGMENT_COLUMNS.text);
    transitions += texts.rows;
    for (const text of texts) {
      if (text.byteLength === 0) continue;
      const name = textKey(text);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const common = [...counts]
    .map(([key, count]) => ({ key, count, text: cleanText(decodeText(textOfKey(key))) }))
    .filter(({ text }) => text !== '')
    .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1));
  return { segments: chosen.length, segmentsInAll: objects.length, transitions, distinct: common.length, common: common.slice(0, COMMON_MAX) };
}
