/**
 * Why each question of the embedded judge has a context of its own: `node dist/bench/embedded-batch.js` asks the same messages
 * in four sequences of one context, one after another and in one batch, and compares the answers with those of one sequence.
 */
import { readFileSync } from 'node:fs';
import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { promptOf } from '../workers/annotator/prompts/registry.js';
import { ASSETS, requireAsset } from '../workers/assets/index.js';

const MESSAGES = 24;
const SEQUENCES = 4;
const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, progressLogs: false, logLevel: LlamaLogLevel.error });
const model = await llama.loadModel({ modelPath: (await requireAsset(ASSETS['gemma3-270m']))['model'] as string, gpuLayers: 0 });
const prompt = promptOf({ goal: 'kill monsters, gain levels, find gold and descend deeper into the dungeon', prompt: 'helpful-v3' });
const texts = readFileSync('examples/labels/nethack-progress.jsonl', 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as { text: string; part: string }).filter(({ part }) => part === 'held-out').slice(0, MESSAGES).map(({ text }) => text);
const begin = model.tokens.bos === null ? [] : [model.tokens.bos];
const prefix: Token[] = [...begin, ...model.tokenize(prompt.prefix, false)];
const [yes, no] = [' Yes', ' No'].map((word) => model.tokenize(word, false)[0] as Token) as [Token, Token];

async function ask(sequence: LlamaContextSequence, text: string): Promise<number> {
  if (sequence.nextTokenIndex > prefix.length) await sequence.eraseContextTokenRanges([{ start: prefix.length, end: sequence.nextTokenIndex }]);
  if (sequence.nextTokenIndex !== prefix.length) {
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens(prefix);
  }
  const tail = [...model.tokenize(` ${text}`, false), ...model.tokenize(prompt.close, false)];
  const last = tail.pop() as Token;
  const results = await sequence.controlledEvaluate([...tail, [last, { generateNext: { logits: { filter: { tokens: [yes, no], includeSelected: true } }, token: true } }]]);
  const logits = results.at(-1)?.next.logits;
  return 1 / (1 + Math.exp((logits?.get(no) ?? Number.NaN) - (logits?.get(yes) ?? Number.NaN)));
}

async function answers(count: number, together: boolean): Promise<number[]> {
  const context = await model.createContext({ contextSize: prefix.length + 200, sequences: count, threads: 1, batchSize: 512, swaFullCache: true, flashAttention: true });
  const sequences = Array.from({ length: count }, () => context.getSequence());
  const found: number[] = [];
  for (let at = 0; at < texts.length; at += count) {
    const group = texts.slice(at, at + count);
    if (together) found.push(...(await Promise.all(group.map((text, place) => ask(sequences[place]!, text)))));
    else for (const [place, text] of group.entries()) found.push(await ask(sequences[place]!, text));
  }
  await context.dispose();
  return found;
}

const alone = await answers(1, false);
for (const together of [false, true]) {
  const distances = (await answers(SEQUENCES, together)).map((answer, index) => Math.abs(answer - alone[index]!));
  console.log(`${SEQUENCES} sequences, ${together ? 'in one batch' : 'one after another'}: ${distances.filter((distance) => distance === 0).length} of ${distances.length} answers the same bits as one sequence gives, largest difference ${Math.max(...distances).toFixed(4)}`);
}
await llama.dispose();
