/**
 * Draws the messages to be labelled from those that `collect.ts` has written: `node dist/bench/labels/sample.js <in.jsonl> <out.jsonl>`.
 *
 * Frequencies differ by five orders of magnitude, so a plain draw would give walls. Messages are put into six strata by
 * how often they came, and each stratum gives the same number. Within a stratum shapes are drawn (the first words of each
 * sentence, numbers masked), then a message of the shape; no shape gives more than `SHAPE_MAX`. Before that, messages on
 * gold, on levels and stairs, and on kills get a least number each: a set without positives measures nothing. The halves:
 * all messages of a shape lie in the same one, and what an earlier set or a shipped prompt shows is never held out.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { CounterRandom } from '../../proto/philox.js';
import { PROMPT_TEMPLATES } from '../../workers/annotator/prompts/registry.js';

const SIZE = 400;
const SHAPE_MAX = 3;
/** Least count of each stratum. */
const STRATA = [1, 2, 4, 12, 60, 1000];
const TOPICS: readonly { readonly pattern: RegExp; readonly least: number; readonly shapeMax: number }[] = [
  { pattern: /\$ - /, least: 36, shapeMax: 6 },
  { pattern: /gold piece|zorkmid|\bzm\b|coin|money|vault/i, least: 26, shapeMax: 2 },
  { pattern: /experience level|stair|trap door|ladder|hole|descend|level \d/i, least: 34, shapeMax: 4 },
  { pattern: /You (kill|destroy)/, least: 34, shapeMax: 3 },
  { pattern: /hidden|secret|door|passage/i, least: 22, shapeMax: 2 },
];

interface Found {
  readonly text: string;
  readonly count: number;
}
const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) throw new Error('expected the file to read and the file to write');
const all = readFileSync(from, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Found);
const random = new CounterRandom(400, 'test');
const order = new Map(all.map(({ text }, index) => [text, random.uniform(index, 0)]));
const shuffled = [...all].sort((a, b) => order.get(a.text)! - order.get(b.text)!);

const chosen = new Map<string, Found>();
const perShape = new Map<string, number>();
function take(from: readonly Found[], most: number, shapeMax: number): void {
  let left = most;
  for (let round = 1; round <= shapeMax && left > 0; round++) {
    for (const one of from) {
      if (left === 0) return;
      const shape = shapeOf(one.text);
      if (chosen.has(one.text) || (perShape.get(shape) ?? 0) >= round) continue;
      chosen.set(one.text, one);
      perShape.set(shape, (perShape.get(shape) ?? 0) + 1);
      left -= 1;
    }
  }
}
for (const { pattern, least, shapeMax } of TOPICS) take(shuffled.filter(({ text }) => pattern.test(text)), least, shapeMax);
const rest = Math.floor((SIZE - chosen.size) / STRATA.length);
STRATA.forEach((least, index) => {
  const next = STRATA[index + 1] ?? Infinity;
  take(shuffled.filter(({ count }) => count >= least && count < next), rest, SHAPE_MAX);
});
take(shuffled, SIZE - chosen.size, SHAPE_MAX);

const shown = new Set(PROMPT_TEMPLATES.flatMap((one) => (one.mode === 'pairwise' ? one.examples.flatMap(({ first, second }) => [first, second]) : one.examples.map(({ text }) => text))));
const earlier = JSON.parse(readFileSync('test/unit/annotator/fixtures/nethack-messages.json', 'utf8')) as Record<string, { text: string }[]>;
for (const { text } of Object.values(earlier).flat()) shown.add(text.trim());
const known = new Set([...chosen.values()].filter(({ text }) => shown.has(text.trim())).map(({ text }) => shapeOf(text)));
const shapes = [...new Set([...chosen.keys()].map(shapeOf))];
const half = new Map(shapes.map((shape, index) => [shape, known.has(shape) || random.uniform(index, 1) < 0.47 ? 'development' : 'held-out']));
const rows = [...chosen.values()].sort((a, b) => order.get(a.text)! - order.get(b.text)!).map(({ text, count }) => ({ text, count, part: half.get(shapeOf(text))! }));
writeFileSync(to, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
console.error(`${rows.length} messages of ${shapes.length} shapes, ${rows.filter(({ part }) => part === 'held-out').length} held out`);

/** The first three words of each sentence, numbers and inventory letters masked. */
function shapeOf(text: string): string {
  return text
    .replace(/\[[^\]]*\]/g, '[]')
    .replace(/\d+|\ban?\b/g, '#')
    .replace(/^[a-zA-Z] - /, '@ - ')
    .split(/(?<=[.!?])\s+/)
    .map((sentence) => sentence.split(' ').slice(0, 3).join(' '))
    .join(' | ');
}
