/** What the shape of a job cannot say of its reward: names that must exist, and the types of the expression. */
import { isCoarser, type Granularity } from './granularity.js';
import type { Job } from './job.js';
import { comparesEpisodes } from './learning.js';
import { patternFault } from './readings.js';
import { combinatorsOf, constantWeights, nameOf, type CombineSpec } from './reward-combine.js';
import { typeOfCombinator, type ExprType, type Say, type Surroundings } from './reward-types.js';
import { shapedRange, shapeFault } from './reward-shapes.js';
import { sourceTypeOf } from './source-types.js';

/** Name of the combined reward. */
export const TOTAL_NAME = 'total';

type Nearest = (name: string, known: readonly string[]) => string;

/** The units that the learner of a job trains on. */
export function baseOf(job: Pick<Job, 'environment'>): Granularity {
  return job.environment.kind === 'text' ? 'episode' : 'step';
}

/** Granularities of which an environment has units, from fine to coarse. */
export function levelsOf(job: Pick<Job, 'environment' | 'stages'>): readonly Granularity[] {
  if (job.environment.kind === 'text') return ['token', 'episode'];
  return job.stages === undefined ? ['step', 'episode'] : ['step', 'segment', 'episode'];
}

export function checkReward(job: Job, say: Say, nearest: Nearest): void {
  const sources = Object.keys(job.sources);
  if (job.stages !== undefined && job.environment.kind === 'text') say('stages', 'expected no stages: a completion has tokens, and is an episode', 'LAUREL_REWARD_GRANULARITY');
  if (job.stages?.by === 'message') {
    const fault = patternFault(job.stages.pattern);
    if (fault !== undefined) say('stages.pattern', `expected a regular expression, got ${JSON.stringify(job.stages.pattern)}: ${fault}`);
  }
  const terms = namedTerms(job.combine, sources, say);
  checkShapes(job, [...sources, ...terms], say, nearest);
  for (const [name, spec] of Object.entries(job.sources)) {
    if (spec.kind === 'model' && spec.cache && sourceTypeOf(spec).moves) say(`sources.${name}.cache`, `expected no cache: values of ${name} change with its labels (fit ${spec.fit.kind}), and one that was kept would be of an earlier version`, 'LAUREL_REWARD_CACHED');
  }
  const place = surroundings(job, say, nearest);
  for (const name of sources) place.source(name, `sources.${name}`);
  const combined = typeOfCombinator(job.combine, 'combine', place);
  if (combined === undefined) return;
  const type = place.shaped(TOTAL_NAME, combined);
  const base = baseOf(job);
  if (type.granularity !== base) {
    const rule = isCoarser(type.granularity, base) ? 'last' : 'sum';
    say('combine', `expected a reward of each ${base}, which is what ${job.learn.kind} trains on, got one of each ${type.granularity}; bring it there with {"op": "assign", "of": ..., "to": "${base}", "rule": "${rule}"}`, 'LAUREL_REWARD_GRANULARITY');
  }
  checkWidth(job, type, say);
}

/** Names of terms differ from each other and from those of sources. */
function namedTerms(combine: CombineSpec, sources: readonly string[], say: Say): string[] {
  const names: string[] = [];
  for (const { name } of combinatorsOf(combine)) {
    if (name === undefined) continue;
    if (name === TOTAL_NAME || sources.includes(name) || names.includes(name)) say('combine', `expected names of terms that differ from each other, from the sources and from ${TOTAL_NAME}, got ${name} twice`);
    names.push(name);
  }
  return names;
}

function checkShapes(job: Job, names: readonly string[], say: Say, nearest: Nearest): void {
  job.shape.forEach((shape, index) => {
    if (!names.includes(shape.on) && shape.on !== TOTAL_NAME) say(`shape.${index}.on`, `expected the name of a source, of a term, or ${TOTAL_NAME}${nearest(shape.on, names)}`);
  });
}

function surroundings(job: Job, say: Say, nearest: Nearest): Surroundings {
  const base = baseOf(job);
  const levels = levelsOf(job);
  const texts = job.environment.kind === 'text';
  // A source may stand in several places; what is wrong with it is said once.
  const known = new Map<string, ExprType | undefined>();
  const typeOfSource = (name: string): ExprType | undefined => {
    const { granularity = base, elements, range } = sourceTypeOf(job.sources[name] as Job['sources'][string]);
    const { kind } = job.sources[name] as Job['sources'][string];
    if (granularity === 'token' && (kind === 'env' || kind === 'model' || kind === 'judge')) return void say(`sources.${name}.granularity`, `expected episode: a token has no reward of the environment and no message for a source of kind ${kind}, got token`, 'LAUREL_REWARD_GRANULARITY');
    if (levels.includes(granularity)) return shaped(name, { granularity, elements, range });
    return void say(`sources.${name}.granularity`, `expected a granularity of which this environment has units (${levels.join(', ')}), got ${granularity}`, 'LAUREL_REWARD_GRANULARITY');
  };
  const shaped = (name: string, type: ExprType): ExprType =>
    job.shape.reduce((before, shape, index) => {
      if (shape.on !== name) return before;
      const fault = shapeFault(shape, { source: job.sources[name]?.kind ?? null, texts, granularity: before.granularity });
      if (fault !== undefined) say(`shape.${index}.on`, fault.message, fault.code);
      return { ...before, range: shapedRange(shape, before.range, discountOf(job)) };
    }, type);
  return {
    root: 'combine',
    base,
    levels,
    spans: !texts,
    truth: texts,
    shaped,
    say,
    source(name, path) {
      if (!(name in job.sources)) return void say(path, `expected the name of a source${nearest(name, Object.keys(job.sources))}`);
      if (!known.has(name)) known.set(name, typeOfSource(name));
      return known.get(name);
    },
  };
}

/** gamma of the learner; 1 where it has none. */
export function discountOf({ learn }: Pick<Job, 'learn'>): number {
  return learn.kind === 'actor-critic' && !comparesEpisodes(learn) ? learn.discount : 1;
}

/** Rule (b) at the root: the learner takes one number, or as many as it has value heads. */
function checkWidth(job: Job, type: ExprType, say: Say): void {
  const heads = job.policy.kind === 'transformer' ? null : job.policy.valueHeads;
  if (type.elements !== null && job.combine.op !== 'vector') return say('combine', `expected one number, or {"op": "vector"} with policy.valueHeads, got a vector of ${type.elements.join(', ')}`, 'LAUREL_REWARD_WIDTH');
  if (job.combine.op === 'vector' && heads === null) return say('policy.valueHeads', `expected a value head for each element of the vector (${(type.elements ?? []).join(', ')}), got none`, 'LAUREL_REWARD_WIDTH');
  if (heads === null) return;
  const constant = job.combine.op === 'vector' || (job.combine.op === 'linear' && (job.combine.bias ?? 0) === 0 && Object.values(job.combine.weights).every((weight) => typeof weight === 'number'));
  if (!constant) say('policy.valueHeads', `expected a vector, or a linear sum with constant weights: each head predicts a part of it, got ${job.combine.op}`, 'LAUREL_REWARD_WIDTH');
  if (job.shape.some((shape) => shape.on === TOTAL_NAME)) say('policy.valueHeads', `expected no shaping of ${TOTAL_NAME}: heads predict its parts; shape these`, 'LAUREL_REWARD_WIDTH');
}

/** Names that value heads divide between them: the terms of the root that can have weight. */
export function rootTerms(job: Pick<Job, 'combine' | 'sources' | 'environment'>): readonly string[] {
  const { combine } = job;
  const own = (combine.op === 'linear' || combine.op === 'vector' ? (combine.of ?? []) : []).flatMap((expr) => nameOf(expr) ?? []);
  if (combine.op !== 'linear') return own;
  // Any source of one number can get a weight later, by steering.
  const others = combine.of === undefined ? steerableSources(job) : Object.keys(combine.weights).filter((name) => !own.includes(name));
  return [...own, ...others];
}

/** Sources that a linear root can count: one number for each unit that the learner trains on. */
export function steerableSources(job: Pick<Job, 'sources' | 'environment'>): readonly string[] {
  const base = baseOf(job);
  return Object.entries(job.sources).flatMap(([name, spec]) => {
    const { granularity = base, elements } = sourceTypeOf(spec);
    return granularity === base && elements === null ? [name] : [];
  });
}

/** Names of the weights that can be changed while a run goes on. */
export function steerableWeights(job: Pick<Job, 'combine' | 'sources' | 'environment'>): readonly string[] {
  const constant = Object.keys(constantWeights(job.combine));
  return job.combine.op === 'linear' ? [...new Set([...steerableSources(job), ...constant])] : constant;
}
