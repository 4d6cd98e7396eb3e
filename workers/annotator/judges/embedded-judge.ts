/** A language model inside the worker process (llama.cpp through node-llama-cpp), read as next-token probabilities. */
import type { Llama, LlamaContextSequence, LlamaModel, Token } from 'node-llama-cpp';
import { LaurelError } from '../../../proto/errors.js';
import type { EmbeddedJudgeSpec } from '../../../proto/judges.js';
import type { Prompt } from '../prompts/prompt-template.js';
import { answered, unanswered } from './judge.js';
import type { AskOptions, Judge, JudgeAnswer, Outcome, Questions } from './judge.js';
import { answerOfToken, choiceOf, probabilityOf } from './label-words.js';
import type { LabelMass } from './label-words.js';
import { pipelined } from './pipeline.js';

/** Tokens kept for one message and what closes it; a pair has room for two. */
const MESSAGE_TOKENS_MAX = 448;
const BATCH_TOKENS = 512;

export interface EmbeddedJudgeOptions {
  readonly spec: EmbeddedJudgeSpec;
  readonly prompt: Prompt;
  /** The GGUF file, and its sha256. */
  readonly modelPath: string;
  readonly modelDigest: string;
  /** Evaluate the whole prompt for each question instead of keeping the state of what stands before the message (for measurements). */
  readonly reusePrefix?: boolean;
}

interface LoadedModel {
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly prefix: Token[];
  readonly close: Token[];
  /** Tokens that spell a label word. */
  readonly words: Readonly<Record<string, readonly Token[]>>;
}

/**
 * The prompt up to the message is evaluated once for each sequence and its attention state kept; a question evaluates only
 * the message's own tokens and erases them before the next. Each sequence is a context of its own: questions that share a
 * batch are multiplied as larger matrices, in another order and with other roundings of the quantised activations, so that
 * an answer would depend on what else is asked. Alone, each evaluation has one shape, and a message has the same bits
 * whatever is asked before it or beside it; the number of threads does not matter either.
 */
export class EmbeddedJudge implements Judge {
  readonly id: string;
  readonly digest: string;
  readonly material: Readonly<Record<string, unknown>>;
  readonly concurrency: number;
  readonly trouble = undefined;
  private loading: Promise<LoadedModel> | undefined;
  private readonly roomTokens: number;
  private readonly free: LlamaContextSequence[] = [];
  private readonly waiters: ((sequence: LlamaContextSequence) => void)[] = [];

  constructor(private readonly options: EmbeddedJudgeOptions) {
    const { spec, modelDigest } = options;
    this.id = `embedded:${typeof spec.model === 'string' ? spec.model : modelDigest}`;
    this.digest = modelDigest;
    this.concurrency = spec.sequences;
    this.roomTokens = (options.prompt.mode === 'pairwise' ? 2 : 1) * MESSAGE_TOKENS_MAX;
    // Each question is evaluated alone, however many are at a time: their number changes no answer.
    this.material = { kind: spec.kind, model: modelDigest, read: 'next-token', sequences: 1, massFloor: spec.massFloor };
  }

  ask(questions: Questions, options: AskOptions): AsyncIterable<Outcome> {
    return pipelined(questions, this.concurrency, (text, index, signal) => this.askOne(text, index, signal), options);
  }

  /** Loads the model now instead of at the first question. @throws LaurelError LAUREL_ASSET_MISSING, LAUREL_MODEL_INVALID */
  async warm(): Promise<void> {
    await this.loaded();
  }

  async dispose(): Promise<void> {
    const loading = this.loading;
    this.loading = undefined;
    this.free.length = 0;
    const loaded = await loading?.catch(() => undefined);
    await loaded?.llama.dispose();
  }

  private loaded(): Promise<LoadedModel> {
    this.loading ??= this.load().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async load(): Promise<LoadedModel> {
    const { spec, prompt, modelPath } = this.options;
    const llama = await openLlama(spec.threads * spec.sequences);
    try {
      const model = await llama.loadModel({ modelPath, gpuLayers: 0 }).catch((cause: unknown) => {
        throw new LaurelError('LAUREL_MODEL_INVALID', `expected a GGUF model in ${modelPath}, llama.cpp says: ${(cause as Error).message}; name another file in judge.model`, { modelPath }, { cause });
      });
      const begin = model.tokens.shouldPrependBosToken && model.tokens.bos !== null ? [model.tokens.bos] : [];
      const prefix = [...begin, ...model.tokenize(prompt.prefix, false)];
      const contextSize = prefix.length + this.roomTokens + 8;
      if (model.trainContextSize < contextSize) {
        throw new LaurelError('LAUREL_MODEL_INVALID', `expected a model with room for ${contextSize} tokens, ${modelPath} has ${model.trainContextSize}; give fewer examples in annotator.examples`, { contextSize });
      }
      // The full cache keeps the prefix where a model has sliding-window layers; flash attention is stated because it changes bits.
      const options = { contextSize, sequences: 1, threads: spec.threads, batchSize: BATCH_TOKENS, swaFullCache: true, flashAttention: true } as const;
      const contexts = await Promise.all(Array.from({ length: spec.sequences }, () => model.createContext(options)));
      const words = Object.fromEntries(Object.keys(prompt.words).map((answer) => [answer, spellings(model, prompt, answer)]));
      this.free.push(...contexts.map((context) => context.getSequence()));
      return { llama, model, prefix, close: [...model.tokenize(prompt.close, false)], words };
    } catch (error) {
      await llama.dispose();
      throw error;
    }
  }

  private async askOne(text: Uint8Array, index: number, signal: AbortSignal): Promise<Outcome> {
    const loaded = await this.loaded();
    const sequence = await this.take();
    try {
      signal.throwIfAborted();
      return { kind: 'answer', index, text, answer: await this.evaluate(loaded, sequence, text) };
    } finally {
      this.release(sequence);
    }
  }

  private async evaluate(loaded: LoadedModel, sequence: LlamaContextSequence, text: Uint8Array): Promise<JudgeAnswer> {
    const startedAt = performance.now();
    const { prefix, close, words, model } = loaded;
    const message = model.tokenize(this.options.prompt.asked(text), false).slice(0, this.roomTokens - close.length);
    const tail = [...message, ...close];
    const evaluated = (await this.rewind(sequence, prefix)) + tail.length;
    const last = tail.pop() as Token;
    let next;
    try {
      // `includeSelected` adds the likeliest token (temperature 0), whose logit is the one that the total weight refers to.
      const read = { logits: { filter: { tokens: Object.values(words).flat(), includeSelected: true } }, totalLogitWeight: true, token: true };
      const results = await sequence.controlledEvaluate([...tail, [last, { generateNext: read }]]);
      next = results.at(-1)?.next;
    } catch (error) {
      await sequence.clearHistory();
      throw error;
    }
    const logits = next?.logits ?? new Map<Token, number>();
    const highest = Math.max(...logits.values());
    const share = (tokens: readonly Token[]): number => tokens.reduce((sum, token) => sum + Math.exp((logits.get(token) ?? Number.NEGATIVE_INFINITY) - highest), 0) / (next?.totalLogitWeight ?? Number.NaN);
    const mass: LabelMass = Object.fromEntries(Object.entries(words).map(([answer, tokens]) => [answer, share(tokens)]));
    const probability = probabilityOf(mass, this.options.spec.massFloor);
    const rest = {
      reply: replyOf(next?.token == null ? '' : model.detokenize([next.token], false), mass, this.options.prompt),
      tokensIn: evaluated,
      tokensOut: 1,
      latencyMs: performance.now() - startedAt,
    };
    return probability === undefined ? unanswered('unparsable', rest) : answered(probability, probability, choiceOf(mass), rest);
  }

  /** Brings the sequence back to the prefix; gives the tokens that had to be evaluated for it. */
  private async rewind(sequence: LlamaContextSequence, prefix: Token[]): Promise<number> {
    if (this.options.reusePrefix === false && sequence.nextTokenIndex > 0) await sequence.clearHistory();
    if (sequence.nextTokenIndex > prefix.length) await sequence.eraseContextTokenRanges([{ start: prefix.length, end: sequence.nextTokenIndex }]);
    if (sequence.nextTokenIndex === prefix.length) return 0;
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens(prefix);
    return prefix.length;
  }

  private take(): Promise<LlamaContextSequence> {
    const sequence = this.free.shift();
    return sequence === undefined ? new Promise((resolve) => this.waiters.push(resolve)) : Promise.resolve(sequence);
  }

  private release(sequence: LlamaContextSequence): void {
    const waiter = this.waiters.shift();
    if (waiter) waiter(sequence);
    else this.free.push(sequence);
  }
}

/** @throws LaurelError LAUREL_ASSET_MISSING where node-llama-cpp has no build for this machine */
async function openLlama(threads: number): Promise<Llama> {
  try {
    const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
    return await getLlama({ gpu: false, build: 'never', maxThreads: threads, progressLogs: false, logLevel: LlamaLogLevel.error });
  } catch (cause) {
    throw new LaurelError('LAUREL_ASSET_MISSING', `expected node-llama-cpp to bring llama.cpp for ${process.platform}-${process.arch}, got: ${(cause as Error).message}; install its optional dependencies, or use a judge of kind openai`, {}, { cause });
  }
}

/** The tokens of the vocabulary that alone spell a label word, with and without a blank before it. */
function spellings(model: LlamaModel, prompt: Prompt, answer: string): Token[] {
  const word = prompt.words[answer] as string;
  const tokens = new Set<Token>();
  for (const written of [word, word.toLowerCase(), word.toUpperCase()]) {
    for (const form of [` ${written}`, written]) {
      const [token, ...more] = model.tokenize(form, false);
      if (token !== undefined && more.length === 0 && answerOfToken(model.detokenize([token], false), prompt.words) === answer) tokens.add(token);
    }
  }
  if (tokens.size === 0) {
    throw new LaurelError('LAUREL_MODEL_INVALID', `expected the label word ${word} to be one token of the model; choose a prompt with other words`, { word });
  }
  return [...tokens];
}

function replyOf(next: string, mass: LabelMass, prompt: Prompt): string {
  const round = (share: number): number => Number(share.toFixed(4));
  const shares = Object.entries(mass).map(([answer, share]) => [prompt.words[answer] as string, round(share)]);
  return JSON.stringify({ next, ...Object.fromEntries(shares) });
}
