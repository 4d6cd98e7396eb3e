/** A process that annotates: `node annotate-process.js <store> <annotator spec as JSON> <segment reference as JSON>`. Says `ready`, waits for a line, then says what came of it. */
import { once } from 'node:events';
import type { SegmentRef } from '../../../proto/references.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { annotatorSpec, Bench } from './support.js';

const [root, spec, ref] = process.argv.slice(2) as [string, string, string];
const { judge, ...change } = JSON.parse(spec) as { judge: Record<string, unknown> };
const bench = new Bench(new LocalStore(root), annotatorSpec(judge, change));
process.stdout.write('ready\n');
await once(process.stdin, 'data');
let made = 0;
for (;;) {
  const result = await bench.annotate([JSON.parse(ref) as SegmentRef]);
  made += result.made;
  if (result.waiting === 0) break;
}
process.stdout.write(`${JSON.stringify({ made })}\n`);
await bench.annotator.close();
process.exit(0);
