/** What the shape of a job without rollouts cannot say: names that must exist, parts that must fit, sets that must not overlap. */
import { tablesOf } from './preference-data.js';
import type { ModelJob } from './preference-job.js';
import { planSteps, referencesOfCurate, referencesOfEvaluation, referencesOfLearn, referencesOfSource, trainingTables, type References } from './preference-plan.js';

import { tableHasPairs, unitKeys } from './preference-relations.js';
import type { Say } from './reward-types.js';

export function checkModelJob(job: ModelJob, say: Say, nearest: (name: string, known: readonly string[]) => string): void {
  const tables = [...tablesOf(job.data), ...Object.keys(job.curate)];
  const sources = [...Object.keys(job.sources), ...Object.keys(job.learn)];
  for (const name of Object.keys(job.curate)) if (tablesOf(job.data).includes(name)) say(`curate.${name}`, `expected another name: the workload makes a table ${name}`);
  for (const name of Object.keys(job.learn)) if (name in job.sources) say(`learn.${name}`, `expected another name: there is a source ${name}`);
  let unknown = 0;
  const known = (path: string, references: References): void => {
    const check = (what: string, name: string, names: readonly string[]): void => {
      if (names.includes(name)) return;
      unknown += 1;
      say(path, `expected the name of a ${what}, got ${name}${nearest(name, names)}`);
    };
    for (const table of references.tables) check('table', table, tables);
    for (const source of references.sources) check('source', source, sources);
  };
  for (const [name, spec] of Object.entries(job.curate)) known(`curate.${name}`, referencesOfCurate(spec));
  for (const [name, spec] of Object.entries(job.sources)) known(`sources.${name}`, referencesOfSource(spec));
  for (const [name, spec] of Object.entries(job.learn)) known(`learn.${name}`, referencesOfLearn(spec));
  for (const [name, spec] of Object.entries(job.evaluate)) known(`evaluate.${name}`, referencesOfEvaluation(spec));
  if (unknown > 0) return;
  try {
    planSteps(job);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return say('sources', `expected parts that do not need each other in a circle, got ${error.message}`);
  }
  checkParts(job, say);
  checkDisjoint(job, say);
}

function checkParts(job: ModelJob, say: Say): void {
  const fitKind = (name: string): string | undefined => {
    const source = job.sources[name];
    return source?.kind === 'model' ? source.fit.kind : undefined;
  };
  for (const [name, spec] of Object.entries(job.sources)) {
    if (spec.kind === 'adapted' && !['mixture', 'ideal-point', 'variational'].includes(fitKind(spec.of) ?? '')) say(`sources.${name}.of`, `expected a source with a fit of kind mixture, ideal-point or variational, got ${spec.of} (${fitKind(spec.of) ?? 'no fit'})`);
    if (spec.kind === 'adapted' && spec.chosen === 'active' && fitKind(spec.of) === 'variational') say(`sources.${name}.chosen`, 'expected in-order: a variational fit infers the latent from as many comparisons as it was trained with');
    if (spec.kind === 'head' && spec.output !== 'score' && fitKind(spec.of) !== 'gate') say(`sources.${name}.output`, `expected score: only a gate has the output ${spec.output}, ${spec.of} is none`);
    if (spec.kind === 'likeness' && spec.form === 'projection' && spec.alpha > 0 && spec.baseline === null) say(`sources.${name}.baseline`, 'expected a column of baselines: a projection (alpha above 0) is on the line from it to the goal');
    if (spec.kind === 'likeness' && spec.form === 'cosine' && (spec.alpha > 0 || spec.baseline !== null)) say(`sources.${name}.form`, 'expected projection: a cosine has no baseline and no alpha');
    if (spec.kind !== 'model') continue;
    if (spec.fit.kind === 'gate' && fitKind(spec.fit.heads) !== 'regression') say(`sources.${name}.fit.heads`, `expected a source with a fit of kind regression, got ${spec.fit.heads} (${fitKind(spec.fit.heads) ?? 'no fit'})`);
    if ((spec.fit.kind === 'bradley-terry' || spec.fit.kind === 'reference-conditioned') && spec.fit.initial !== null && fitKind(spec.fit.initial) !== spec.fit.kind) say(`sources.${name}.fit.initial`, `expected a source with a fit of kind ${spec.fit.kind}, got ${spec.fit.initial} (${fitKind(spec.fit.initial) ?? 'no fit'})`);
  }
  for (const [name, spec] of Object.entries(job.learn)) {
    if (spec.kind === 'preference' && !tableHasPairs(job, spec.on)) say(`learn.${name}.on`, `expected a table with pairs, which a preference is between: ${spec.on} has none`, 'LAUREL_RELATION_MISSING');
    if (spec.kind === 'preference' && spec.loss === 'modpo' && !((spec.weights?.[0] ?? 0) > 0)) say(`learn.${name}.weights`, 'expected weights whose first is above 0: modpo divides by it');
    if (spec.kind === 'preference' && spec.loss === 'dynamic-beta' && spec.margin === null) say(`learn.${name}.margin`, 'expected the source of the margin');
    if (spec.kind === 'preference' && spec.loss === 'mah-dpo' && spec.policy !== 'tabular') say(`learn.${name}.policy`, 'expected tabular: mah-dpo has a head for each objective');
    if (spec.kind === 'constrained' && spec.multiplier !== 'none' && spec.thresholds.length !== spec.rewards.length) say(`learn.${name}.thresholds`, `expected ${spec.rewards.length} thresholds, one for each reward, got ${spec.thresholds.length}`);
    if (spec.kind === 'weighted-mle' && spec.weights !== 'sft' && spec.reward === null) say(`learn.${name}.reward`, `expected the source of the reward: the weights ${spec.weights} need one`);
  }
  for (const [name, spec] of Object.entries(job.evaluate)) {
    if (spec.kind === 'policy' && !(spec.of in job.learn)) say(`evaluate.${name}.of`, `expected a learned policy, got the source ${spec.of}`);
  }
}

/** Rule (h): what a source is judged on is nothing that it was fitted on. Tables that hold every possible answer are no sample. */
function checkDisjoint(job: ModelJob, say: Say): void {
  for (const [name, spec] of Object.entries(job.evaluate)) {
    if (!('of' in spec) || spec.kind === 'policy' || spec.kind === 'occupancy' || job.data.kind === 'bandit') continue;
    const seen = trainingTables(job, spec.of);
    if (seen.has(spec.on)) {
      say(`evaluate.${name}.on`, `expected a table that no fit of ${spec.of} has seen: ${spec.on} is, or is made from, what it was fitted on`, 'LAUREL_EVALUATION_OVERLAP');
      continue;
    }
    // Numbers that stand in the job may stand there twice, under two names.
    const own = unitKeys(job, spec.on);
    const shared = [...seen].flatMap((table) => [...unitKeys(job, table)].filter((key) => own.has(key)).map(() => table));
    if (shared.length > 0) say(`evaluate.${name}.on`, `expected units that no fit of ${spec.of} has seen: ${shared.length} units of ${spec.on} are in ${[...new Set(shared)].join(', ')} too`, 'LAUREL_EVALUATION_OVERLAP');
  }
}
