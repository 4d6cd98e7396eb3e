/** The OpenAI interface as data: what is asked, and how a reply is read. No network here. */
import { PAIR_CHOICES } from '../../../proto/judges.js';
import type { JudgeMode, OpenAiJudgeSpec } from '../../../proto/judges.js';
import { listOf } from '../list.js';
import type { JudgePrompt } from '../prompts/list-prompt.js';
import type { Prompt } from '../prompts/prompt-template.js';
import { answered, answeredList, unanswered } from './judge.js';
import type { JudgeAnswer } from './judge.js';
import { ANSWER_VALUES, answerOfToken, choiceOf, massOf, parseJsonAnswer, parseReasoned, parseVerdict, probabilityOf } from './label-words.js';
import type { LabelMass } from './label-words.js';
import { parseScores } from './list-scores.js';

/** Room for an answer where the text itself is read; a base model stops at the end of its line. */
const CHAT_TEXT_TOKENS = 256;
const COMPLETION_TEXT_TOKENS = 4;
const REASONING_TOKENS = 512;
/** On top of that, for each score of a list. */
const SCORE_TOKENS = 12;

/** What a server has shown not to accept; it is asked without from then on. */
export interface Concessions {
  /** Alternatives listed for the next token; 0: the text is read instead. */
  readonly topLogprobs: 20 | 5 | 0;
  readonly tokensField: 'max_tokens' | 'max_completion_tokens';
  readonly temperature: boolean;
  /** Ask for JSON by schema. */
  readonly json: boolean;
}

export function firstConcessions(spec: OpenAiJudgeSpec, mode: JudgeMode = 'pointwise'): Concessions {
  // Scores of a list are read from the text alone.
  return { topLogprobs: spec.logprobs && mode !== 'listwise' ? 20 : 0, tokensField: 'max_tokens', temperature: true, json: spec.json === true };
}

/** Whether the words of the reply are read, not only the probabilities of its first token. */
function readsText(prompt: JudgePrompt, { topLogprobs }: Concessions): boolean {
  return topLogprobs === 0 || (prompt.mode !== 'listwise' && prompt.reasoning);
}

/** Room for what is read as text. */
function textTokens(prompt: JudgePrompt, question: Uint8Array, chat: boolean): number {
  if (prompt.mode === 'listwise') return REASONING_TOKENS + SCORE_TOKENS * listOf(question).texts.length;
  return prompt.reasoning ? REASONING_TOKENS : chat ? CHAT_TEXT_TOKENS : COMPLETION_TEXT_TOKENS;
}

export function endpointOf(spec: OpenAiJudgeSpec): string {
  return `${spec.baseUrl.replace(/\/+$/u, '')}/${spec.api === 'chat' ? 'chat/completions' : 'completions'}`;
}

export function requestBody(spec: OpenAiJudgeSpec, prompt: JudgePrompt, text: Uint8Array, concessions: Concessions): Record<string, unknown> {
  const { topLogprobs } = concessions;
  const chat = spec.api === 'chat';
  const reads = readsText(prompt, concessions);
  const json = chat && reads && concessions.json;
  return {
    model: spec.model,
    ...(chat ? { messages: prompt.chat(text, json) } : { prompt: prompt.completion(text) }),
    ...(json ? { response_format: { type: 'json_schema', json_schema: { name: 'verdict', strict: true, schema: prompt.answerSchema(text) } } } : {}),
    [concessions.tokensField]: reads ? textTokens(prompt, text, chat) : 1,
    // Probabilities are read at temperature 1: some servers scale them by it, and at 0 would give only the first.
    ...(concessions.temperature ? { temperature: reads ? spec.temperature : 1 } : {}),
    ...(topLogprobs > 0 ? (chat ? { logprobs: true, top_logprobs: topLogprobs } : { logprobs: topLogprobs }) : chat ? {} : { stop: ['\n'] }),
  };
}

/** What to leave out after a refusal with this text; undefined where the refusal is about something else. */
export function concede(concessions: Concessions, errorText: string): Concessions | undefined {
  if (concessions.json && /response_format|json_schema|json schema/iu.test(errorText)) return { ...concessions, json: false };
  if (concessions.topLogprobs > 0 && /logprob/iu.test(errorText)) return { ...concessions, topLogprobs: concessions.topLogprobs === 20 ? 5 : 0 };
  if (concessions.tokensField === 'max_tokens' && /max_completion_tokens/iu.test(errorText)) return { ...concessions, tokensField: 'max_completion_tokens' };
  if (concessions.temperature && /temperature/iu.test(errorText)) return { ...concessions, temperature: false };
  return undefined;
}

export type Reading =
  | { readonly kind: 'answer'; readonly answer: JudgeAnswer }
  /** The reply has no probabilities although they were asked for. */
  | { readonly kind: 'no-logprobs' }
  /** The reply is not of this interface. */
  | { readonly kind: 'garbled'; readonly found: string };

/** Reads the body of a reply with status 200 to this question. */
export function readReply(body: string, spec: OpenAiJudgeSpec, prompt: JudgePrompt, question: Uint8Array, concessions: Concessions, latencyMs: number): Reading {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { kind: 'garbled', found: body };
  }
  const choice = object(array(object(parsed)?.['choices'])?.[0]);
  if (choice === undefined) return { kind: 'garbled', found: body };
  const message = object(choice['message']);
  const usage = object(object(parsed)?.['usage']);
  const text = string(message?.['content']) ?? string(choice['text']) ?? '';
  const rest = { tokensIn: count(usage?.['prompt_tokens']), tokensOut: count(usage?.['completion_tokens']), latencyMs };
  const refusal = string(message?.['refusal']);
  if (refusal !== undefined || choice['finish_reason'] === 'content_filter') {
    return { kind: 'answer', answer: unanswered('refused', { reply: refusal ?? text, ...rest }) };
  }
  const cut = choice['finish_reason'] === 'length' && spec.api === 'chat';
  if (prompt.mode === 'listwise') {
    const values = cut ? undefined : parseScores(text, listOf(question).texts.length, concessions.json);
    return { kind: 'answer', answer: values === undefined ? unanswered('unparsable', { reply: text, ...rest }) : answeredList(values, { reply: text, ...rest }) };
  }
  if (readsText(prompt, concessions)) {
    const verdict = concessions.json ? parseJsonAnswer(text, prompt.words) : prompt.reasoning ? parseReasoned(text, prompt.words, cut) : parseVerdict(text, prompt.words, cut);
    if (verdict === undefined) return { kind: 'answer', answer: unanswered('unparsable', { reply: text, ...rest }) };
    return { kind: 'answer', answer: { ...verdictAnswer(verdict, wordMass(choice['logprobs'], prompt, verdict), spec.massFloor), reply: text, ...rest } };
  }
  const pairs = topLogprobsOf(choice['logprobs']);
  if (pairs === undefined) return { kind: 'no-logprobs' };
  const mass = massOf(pairs.map(([token, logprob]) => [token, Math.exp(logprob)] as const), prompt.words);
  const probability = probabilityOf(mass, spec.massFloor);
  const shown = pairs.slice(0, 5).map(([token, logprob]) => [token, Number(Math.exp(logprob).toFixed(4))]);
  const reply = JSON.stringify({ text, top: shown });
  return { kind: 'answer', answer: probability === undefined ? unanswered('unparsable', { reply, ...rest }) : answered(probability, probability, choiceOf(mass), { reply, ...rest }) };
}

/** By the probabilities at the word itself where the server gave them, else 0, 1 or one half by the word. */
function verdictAnswer(verdict: string, mass: LabelMass | undefined, massFloor: number): JudgeAnswer {
  const probability = mass && probabilityOf(mass, massFloor);
  const pairChoice = PAIR_CHOICES.find((one) => one === verdict) ?? null;
  return answered(probability ?? (ANSWER_VALUES[verdict] as number), probability ?? null, pairChoice, { reply: '', tokensIn: 0, tokensOut: 0, latencyMs: 0 });
}

/** Probabilities of the label words where the reply says the verdict: at the last of its tokens that spells it. */
function wordMass(logprobs: unknown, prompt: Prompt, verdict: string): LabelMass | undefined {
  const listed = (array(object(logprobs)?.['content']) ?? []).map(object);
  const at = listed.findLast((entry) => answerOfToken(string(entry?.['token']) ?? '', prompt.words) === verdict);
  const alternatives = array(at?.['top_logprobs'])?.flatMap((entry): [string, number][] => {
    const [token, logprob] = [string(object(entry)?.['token']), object(entry)?.['logprob']];
    return token === undefined || typeof logprob !== 'number' ? [] : [[token, Math.exp(logprob)]];
  });
  return alternatives === undefined || alternatives.length === 0 ? undefined : massOf(alternatives, prompt.words);
}

/** Pairs of token and log-probability for the first token, from any of the shapes in use. */
function topLogprobsOf(logprobs: unknown): [string, number][] | undefined {
  const found = object(logprobs);
  const listed = array(object(array(found?.['content'])?.[0])?.['top_logprobs']);
  const pairs: [unknown, unknown][] = listed
    ? listed.map((entry) => [object(entry)?.['token'], object(entry)?.['logprob']])
    : Object.entries(object(array(found?.['top_logprobs'])?.[0]) ?? {});
  const usable = pairs.filter((pair): pair is [string, number] => typeof pair[0] === 'string' && typeof pair[1] === 'number');
  return usable.length > 0 ? usable.sort((a, b) => b[1] - a[1]) : undefined;
}

function object(value: unknown): Record<string, unknown> | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

function array(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? (value as unknown[]) : undefined;
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
