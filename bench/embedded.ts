/**
 * The embedded judge on held-out messages of `examples/labels` with the prompt that is shipped: labels/s with 1, 4 and 8 questions at a time, with
 * the state of the prompt kept and without, and whether the answers are the same bits.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { EmbeddedJudge } from '../workers/annotator/judges/embedded-judge.js';
import { modelFileDigest } from '../workers/annotator/judges/model-file.js';
import { promptOf } from '../workers/annotator/prompts/registry.js';
import { textOfKey } from '../workers/annotator/text-key.js';
import { ASSETS, requireAsset } from '../workers/assets/index.js';
import { judgeSchema, type EmbeddedJudgeSpec } from '../proto/judges.js';
import type { Row } from './pipeline.js';

const MESSAGES = 120;
/** Without the state of the prompt each question costs as much as forty. */
const MESSAGES_WHOLE = 12;
const SEQUENCES = [4, 8] as const;

interface Measured {
  readonly perSecond: number;
  readonly answers: readonly (number | null)[];
  readonly tokensIn: number;
  readonly residentMiB: number;
}

export async function benchEmbedded(): Promise<Row[]> {
  const modelPath = (await requireAsset(ASSETS['gemma3-270m']))['model'] as string;
  const modelDigest = await modelFileDigest(modelPath);
  const prompt = promptOf({ goal: 'kill monsters, gain levels, find gold and descend deeper into the dungeon', prompt: 'helpful-v3' });
  const texts = readFileSync('examples/labels/nethack-progress.jsonl', 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { text: string; part: string }).filter(({ part }) => part === 'held-out').map(({ text }) => textOfKey(text));
  const measure = async (sequences: number, count: number, reusePrefix = true): Promise<Measured> => {
    const spec = judgeSchema.parse({ kind: 'embedded', sequences }) as EmbeddedJudgeSpec;
    const judge = new EmbeddedJudge({ spec, prompt, modelPath, modelDigest, reusePrefix });
    const ask = async (asked: readonly Uint8Array[]): Promise<{ answers: (number | null)[]; tokensIn: number }> => {
      const answers: (number | null)[] = [];
      let tokensIn = 0;
      for await (const outcome of judge.ask(asked, { signal: new AbortController().signal })) {
        if (outcome.kind === 'unavailable') throw outcome.error;
        answers[outcome.index] = outcome.answer.probability;
        tokensIn += outcome.answer.tokensIn;
      }
      return { answers, tokensIn };
    };
    try {
      // The first question of each sequence reads what stands before the message.
      await ask(texts.slice(0, 2 * sequences));
      const begun = performance.now();
      const { answers, tokensIn } = await ask(texts.slice(0, count));
      return { perSecond: (1000 * count) / (performance.now() - begun), answers, tokensIn: tokensIn / count, residentMiB: process.memoryUsage().rss / 2 ** 20 };
    } finally {
      await judge.dispose();
    }
  };
  const one = await measure(1, MESSAGES);
  const whole = await measure(1, MESSAGES_WHOLE, false);
  const several: Measured[] = [];
  for (const sequences of SEQUENCES) several.push(await measure(sequences, MESSAGES));
  const same = (a: Measured, b: Measured): number => a.answers.filter((answer, index) => answer === b.answers[index]).length / a.answers.length;
  const row = (what: string, unit: string, ours: number, reference: number): Row => ({ what, unit, ours, reference, ratio: ours / reference });
  return [
    row('embedded judge, state of the prompt kept, against without', 'labels/s', one.perSecond, whole.perSecond),
    row('embedded judge, tokens evaluated for a question, kept against without', 'tokens', one.tokensIn, whole.tokensIn),
    ...SEQUENCES.map((sequences, index) => row(`embedded judge, ${sequences} questions at a time against one (${availableParallelism()} cores)`, 'labels/s', several[index]!.perSecond, one.perSecond)),
    ...SEQUENCES.map((sequences, index) => row(`embedded judge, answers of ${sequences} at a time that are those of one, bit for bit`, 'share', same(several[index]!, one), 1)),
    ...SEQUENCES.map((sequences, index) => row(`embedded judge, memory with ${sequences} at a time against one`, 'MiB', several[index]!.residentMiB, one.residentMiB)),
  ];
}
