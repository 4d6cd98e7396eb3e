/** From what a person wrote to a job with all defaults, or to an error that names every fault. */
import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { LaurelError, type ErrorCode } from './errors.js';
import { BUDGET_SCOPES } from './budget.js';
import { checkEpisodeGroups } from './episode-groups.js';
import { jobSchema, type Job } from './job.js';
import { checkModelJob } from './preference-check.js';
import { isModelJobInput, modelJobSchema, type ModelJob } from './preference-job.js';
import { modeOf } from './reward-fits.js';
import { checkEmbedding } from './reward-embedding.js';
import { checkImplicit } from './reward-implicit.js';
import { checkJudgeSource, type CompletionGroups } from './reward-judge.js';
import { checkOnnx } from './reward-onnx.js';
import { checkRule } from './reward-rules.js';
import { checkObjective } from './reward-specifications.js';
import { showFault } from './shown-machines.js';
import type { JudgeSpec } from './judges.js';
import { checkReward, rootTerms } from './reward-check.js';
import { constantWeights, sourcesIn } from './reward-combine.js';
import type { ModelSourceSpec } from './reward-sources.js';
import type { Say } from './reward-types.js';
import { sourceTypeOf } from './source-types.js';
import { characterFault } from './nethack-characters.js';

export interface JobIssue {
  /** Where, as a path of keys: `sources.helpful.annotator.goal`. */
  readonly path: string;
  readonly message: string;
  /** Absent: LAUREL_JOB_INVALID. */
  readonly code?: ErrorCode;
}

/**
 * Parses and type-checks a job.
 * @throws LaurelError LAUREL_JOB_INVALID, or the code that all faults have, whose `details.issues` lists every fault found (JobIssue[]).
 */
export function resolveJob(input: unknown): Job {
  const offline = offlineLearner(input);
  if (offline !== undefined) throw invalid([{ path: 'learn.kind', message: `expected a learner that collects its own data (actor-critic, group-policy-gradient, weighted-mle), got ${offline}, which learns from tables: give them as \`data\` in place of \`environment\``, code: 'LAUREL_LEARNER_OFFLINE' }]);
  const parsed = jobSchema.safeParse(input, { reportInput: true });
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap((issue) => describeIssue(issue, input)), parsed.error.issues.every(isUnknownEnvironment) ? 'LAUREL_ENVIRONMENT_UNKNOWN' : 'LAUREL_JOB_INVALID');
  const issues = checkJob(parsed.data);
  if (issues.length > 0) throw invalid(issues);
  return parsed.data;
}

/**
 * As `resolveJob`, for a job without rollouts.
 * @throws LaurelError LAUREL_JOB_INVALID
 */
export function resolveModelJob(input: unknown): ModelJob {
  const parsed = modelJobSchema.safeParse(input, { reportInput: true });
  if (!parsed.success) throw invalid(parsed.error.issues.flatMap((issue) => describeIssue(issue, input)));
  const issues: JobIssue[] = [];
  checkModelJob(parsed.data, (path, message, code) => void issues.push({ path, message, ...(code && { code }) }), nearest);
  if (issues.length > 0) throw invalid(issues);
  return parsed.data;
}

/** Either kind of job, told apart by its shape. */
export type AnyJob = Job | ModelJob;

/** @throws LaurelError LAUREL_JOB_INVALID, LAUREL_ENVIRONMENT_UNKNOWN */
export function resolveAnyJob(input: unknown): AnyJob {
  return isModelJobInput(input) ? resolveModelJob(input) : resolveJob(input);
}

export function isModelJob(job: AnyJob): job is ModelJob {
  return 'data' in job;
}

/** JSON Schema of the job file of a run without rollouts. */
export function modelJobJsonSchema(): unknown {
  return z.toJSONSchema(modelJobSchema, { io: 'input', target: 'draft-2020-12' });
}

/** JSON Schema of the job file, for editors. */
export function jobJsonSchema(): unknown {
  return z.toJSONSchema(jobSchema, { io: 'input', target: 'draft-2020-12' });
}

/** Learners that learn from what is stored and from nothing else (rule (e) of docs/jobs.md). */
const OFFLINE_LEARNERS: readonly unknown[] = ['preference', 'constrained', 'return-conditioned'];

function offlineLearner(input: unknown): string | undefined {
  const learn = (input as { readonly learn?: { readonly kind?: unknown } } | null)?.learn;
  return OFFLINE_LEARNERS.includes(learn?.kind) ? (learn?.kind as string) : undefined;
}

function isUnknownEnvironment(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 2 && issue.path[0] === 'environment' && issue.path[1] === 'kind';
}

function invalid(issues: readonly JobIssue[], code: ErrorCode = 'LAUREL_JOB_INVALID'): LaurelError {
  const lines = issues.map((issue) => `  ${issue.path === '' ? '(job)' : issue.path}: ${issue.message}${issue.code === undefined ? '' : ` (${issue.code})`}`);
  const [first] = issues;
  const shared = first?.code !== undefined && issues.every((issue) => issue.code === first.code) ? first.code : code;
  return new LaurelError(shared, `the job file has ${issues.length === 1 ? 'a fault' : `${issues.length} faults`}:\n${lines.join('\n')}`, { issues });
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown): JobIssue[] {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path, input);
    return issue.keys.map((key) => ({ path: [...issue.path, key].join('.'), message: `unknown key${nearest(key, known)}` }));
  }
  if (issue.code === 'invalid_union') {
    // Where something is nearly an alternative, that it is not another one helps nobody.
    const all = issue.errors.flat();
    const inside = all.filter((one) => one.path.length > 0 || one.code === 'unrecognized_keys');
    const inner = inside.length > 0 ? inside : all;
    if (inner.length > 0) return inner.flatMap((one) => describeIssue({ ...one, path: [...issue.path, ...one.path] }, input));
  }
  const value = issue.path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], input);
  const got = value === undefined ? '' : `, got ${JSON.stringify(value)?.slice(0, 120)}`;
  return [{ path, message: `${issue.message}${got}` }];
}

/** The keys that the schema allows at a path: walks the JSON Schema, following the value where there are alternatives. */
function knownKeys(path: readonly PropertyKey[], input: unknown): string[] {
  type Node = { $ref?: string; $defs?: Record<string, Node>; properties?: Record<string, Node>; additionalProperties?: Node | boolean; items?: Node; anyOf?: Node[]; oneOf?: Node[]; allOf?: Node[]; const?: unknown };
  const root = (isModelJobInput(input) ? modelJobJsonSchema() : jobJsonSchema()) as Node;
  const choose = (node: Node, value: unknown): Node[] => {
    if (node.$ref !== undefined) return choose(root.$defs?.[node.$ref.slice('#/$defs/'.length)] ?? {}, value);
    const alternatives = node.anyOf ?? node.oneOf ?? node.allOf;
    if (!alternatives) return [node];
    const record = (value ?? {}) as Record<string, unknown>;
    const matching = alternatives.filter((one) => Object.entries(one.properties ?? {}).every(([key, property]) => property.const === undefined || property.const === record[key]));
    return (matching.length > 0 ? matching : alternatives).flatMap((one) => choose(one, value));
  };
  let value: unknown = input;
  let nodes = choose(root, value);
  for (const key of path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
    nodes = nodes
      .map((node) => node.properties?.[String(key)] ?? (typeof node.additionalProperties === 'object' ? node.additionalProperties : node.items))
      .filter((node) => node !== undefined)
      .flatMap((node) => choose(node, value));
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function nearest(key: string, known: readonly string[]): string {
  const ranked = known.map((name) => ({ name, cost: distance(key.toLowerCase(), name.toLowerCase()) })).sort((a, b) => a.cost - b.cost);
  const best = ranked[0];
  if (best && best.cost <= Math.max(2, Math.floor(key.length / 2))) return `; did you mean ${best.name}?`;
  return known.length > 0 ? `; known here: ${known.join(', ')}` : '';
}

/** What the shape of the JSON cannot say: names that must exist, patterns that must compile, sets that must not overlap. */
/** Environments that have no messages, or promise none. */
const SILENT: ReadonlySet<string> = new Set(['gymnasium', 'point-mass', 'pendulum', 'portfolio']);

function checkJob(job: Job): JobIssue[] {
  const issues: JobIssue[] = [];
  const names = Object.keys(job.sources);
  const say: Say = (path, message, code) => void issues.push({ path, message, ...(code && { code }) });
  if (names.length === 0) say('sources', 'expected at least one source');
  if (names.includes('total')) say('sources.total', 'expected another name: total is the combined reward');
  checkReward(job, say, nearest);
  for (const [name, source] of Object.entries(job.sources)) {
    if (source.kind === 'model') checkBudget(source, job.schedule.mode, `sources.${name}.annotator`, say);
    if (source.kind === 'rule') checkRule(source.rule, `sources.${name}.rule`, say, job.environment.kind === 'text');
    if (source.kind === 'embedding') checkEmbedding(source, `sources.${name}`, say, job.environment.kind === 'text');
    if (source.kind === 'implicit') checkImplicit(source, `sources.${name}`, say, job.environment.kind === 'text');
    if (source.kind === 'judge') checkJudgeSource(source, `sources.${name}`, say, completionGroups(job));
    if (source.kind === 'judge') checkJudge(source.judge, false, `sources.${name}.judge`, say);
    if (source.kind === 'onnx') checkOnnx(source, `sources.${name}`, say);
    if (source.kind === 'spec') checkObjective(source.objective, `sources.${name}.objective`, say);
    const fault = source.kind === 'spec' && source.show ? showFault(source.objective) : undefined;
    if (fault !== undefined) say(`sources.${name}.show`, fault);
    if (source.kind === 'model') checkMode(source, `sources.${name}`, say);
    if (source.kind === 'model') checkJudge(source.annotator.judge, source.annotator.reasoning, `sources.${name}.annotator.judge`, say);
  }
  if (job.environment.kind === 'nethack') {
    const fault = characterFault(job.environment.character);
    if (fault !== undefined) say('environment.character', fault);
  }
  if (SILENT.has(job.environment.kind)) {
    const readers = names.filter((name) => job.sources[name]?.kind === 'model' || job.sources[name]?.kind === 'judge');
    const used = sourcesIn(job.combine);
    for (const name of readers) {
      if (used.has(name) && constantWeights(job.combine)[name] !== 0) say(`sources.${name}`, `expected an environment with messages: ${job.environment.kind} has none, or may have none; use grid-world, nethack, or a source of kind env`);
    }
  }
  checkValueHeads(job, say);
  checkText(job, say);
  checkEpisodeGroups(job, say);
  if (job.evaluate.seed === job.seed) say('evaluate.seed', 'expected a seed that is not the training seed: evaluation episodes must not be training episodes', 'LAUREL_EVALUATION_OVERLAP');
  return issues;
}

/** What a job may do, but hardly means to. */
export function warningsOf(job: AnyJob): JobIssue[] {
  if (isModelJob(job)) return [];
  const used = sourcesIn(job.combine);
  return Object.entries(job.sources).flatMap(([name, spec]): JobIssue[] =>
    // A potential may depend on anything that has happened: it changes nothing about which policy is best.
    used.has(name) && sourceTypeOf(spec).hiddenState && !job.shape.some((shape) => shape.op === 'potential' && shape.on === name)
      ? [{ path: `sources.${name}`, message: 'its values depend on what happened earlier in the episode, and the policy does not see that state: what is best may not follow from what it sees. Show it (`show` of a source of kind spec), let a recurrent policy remember, or use a source that speaks of single steps', code: 'LAUREL_REWARD_STATE_HIDDEN' }]
      : [],
  );
}

function completionGroups({ environment, learn }: Job): CompletionGroups | null {
  if (environment.kind !== 'text') return null;
  return { size: learn.kind === 'actor-critic' ? 1 : learn.groupSize, tokensMax: environment.completionTokensMax };
}

/** Policy, learner and environment agree on whether texts are written or actions taken. */
function checkText(job: Job, say: (path: string, message: string) => void): void {
  const writes = job.environment.kind === 'text';
  if (writes !== (job.policy.kind === 'transformer')) {
    say('policy.kind', writes ? `expected transformer: an environment of texts is written to, got ${job.policy.kind}` : `expected recurrent or feed-forward: ${job.environment.kind} is stepped by actions, got transformer`);
  }
  if (writes === (job.learn.kind === 'actor-critic')) {
    say('learn.kind', writes ? 'expected group-policy-gradient or weighted-mle: texts have no value function, got actor-critic' : `expected actor-critic: ${job.learn.kind} compares completions of one prompt, and ${job.environment.kind} has none`);
  }
}

/** A fit learns from verdicts on messages, or from comparisons of them. */
function checkMode({ fit, annotator }: ModelSourceSpec, path: string, say: (path: string, message: string) => void): void {
  if (annotator.labelled !== null && annotator.mode === 'pairwise') say(`${path}.annotator.labelled`, 'expected none where messages are compared: the labelled sets hold labels of single messages');
  if (annotator.labelledAsk && annotator.labelled === null) say(`${path}.annotator.labelledAsk`, 'expected `labelled` to name the set to ask about');
  const wanted = modeOf(fit);
  if (wanted === null || wanted === annotator.mode) return;
  const why = wanted === 'pairwise' ? 'learns from comparisons of two messages' : 'learns from verdicts on single messages';
  say(`${path}.annotator.mode`, `expected ${wanted}: the fit ${fit.kind} ${why}, got ${annotator.mode}`);
}

function checkBudget({ annotator: { budget, price } }: ModelSourceSpec, mode: Job['schedule']['mode'], path: string, say: (path: string, message: string) => void): void {
  if (mode === 'lockstep' && budget.hour !== undefined) say(`${path}.budget.hour`, 'expected no budget of an hour in mode lockstep: what is asked would depend on the time of day; bound the run or the annotator');
  for (const scope of BUDGET_SCOPES) {
    if (budget[scope]?.money !== undefined && price === null) say(`${path}.budget.${scope}.money`, 'expected `price` to say what a token costs');
  }
}

/** Each term that counts is predicted by exactly one value function. */
function checkValueHeads(job: Job, say: (path: string, message: string) => void): void {
  const heads = job.policy.kind === 'transformer' ? null : job.policy.valueHeads;
  if (heads === null) return;
  const names = rootTerms(job);
  const owners = new Map<string, string>();
  for (const [head, { sources }] of Object.entries(heads)) {
    sources.forEach((source, index) => {
      const path = `policy.valueHeads.${head}.sources.${index}`;
      if (!names.includes(source)) say(path, `expected the name of a term of the reward${nearest(source, names)}`);
      else if (owners.has(source)) say(path, `expected each source in one value head, ${source} is in ${owners.get(source)} too`);
      owners.set(source, head);
    });
  }
  const missing = names.filter((name) => !owners.has(name));
  if (missing.length > 0) say('policy.valueHeads', `expected every term of the reward in a value head, ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} in none`);
}

function checkJudge(judge: JudgeSpec, reasoning: boolean, path: string, say: (path: string, message: string) => void): void {
  if (judge.kind === 'panel') return judge.judges.forEach((member, place) => checkJudge(member, reasoning, `${path}.judges.${place}`, say));
  if (reasoning && judge.kind === 'embedded') say(`${path}.kind`, 'expected a judge that follows an instruction (openai, command) where `reasoning` is on: the embedded model is read at its next token, got embedded');
  if (judge.kind === 'openai' && judge.api === 'completions' && (reasoning || judge.json)) say(`${path}.api`, `expected chat where ${reasoning ? '`reasoning`' : '`json`'} is on, got completions`);
  if (judge.kind === 'scripted') checkPatterns(judge.rules, `${path}.rules`, say);
}

function checkPatterns(rules: readonly { pattern: string }[], path: string, say: (path: string, message: string) => void): void {
  rules.forEach((rule, index) => {
    try {
      new RegExp(rule.pattern);
    } catch (error) {
      say(`${path}.${index}.pattern`, `expected a regular expression, got ${JSON.stringify(rule.pattern)}: ${(error as Error).message}`);
    }
  });
}
