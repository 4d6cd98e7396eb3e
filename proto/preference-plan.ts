/** What a run without rollouts does, in order: a pure function of its job, for the workflow and for `laurel verify`. */
import type { CurateSpec } from './preference-data.js';
import { tablesOf } from './preference-data.js';
import type { ModelEvaluationSpec } from './preference-evaluate.js';
import type { ModelJob } from './preference-job.js';
import type { PolicyLearnSpec, ScorerSpec } from './preference-sources.js';

export interface PlannedStep {
  readonly kind: 'curate' | 'fit' | 'evaluate';
  readonly name: string;
  /** Tables and models that the step reads; all of them are made before it. */
  readonly needs: Needs;
  /** Optimiser steps; 0 where nothing is trained. */
  readonly steps: number;
}
export interface Needs {
  readonly tables: readonly string[];
  readonly models: readonly string[];
}

/** Names that a part refers to directly. */
export interface References {
  readonly tables: readonly string[];
  readonly sources: readonly string[];
}

export function referencesOfSource(spec: ScorerSpec): References {
  switch (spec.kind) {
    case 'model': {
      const { fit } = spec;
      const sources = fit.kind === 'gate' ? [fit.heads] : fit.kind === 'bradley-terry' ? [fit.margin, fit.initial] : fit.kind === 'reference-conditioned' ? [fit.initial] : [];
      return { tables: [fit.on], sources: sources.filter((name) => name !== null) };
    }
    case 'combine':
      return { tables: [], sources: Object.keys(spec.of) };
    case 'head':
      return { tables: [], sources: [spec.of] };
    case 'adapted':
      return { tables: [spec.context], sources: [spec.of] };
    case 'rubric-judge':
      return { tables: spec.rubrics === null ? [] : [spec.rubrics], sources: [] };
    case 'column':
    case 'confidence':
    case 'likeness':
    case 'judge':
    case 'listwise-judge':
      return { tables: [], sources: [] };
    default: {
      const never: never = spec;
      throw new TypeError(`unknown source ${JSON.stringify(never)}`);
    }
  }
}

export function referencesOfLearn(spec: PolicyLearnSpec): References {
  const source = spec.kind === 'preference' ? spec.margin : spec.kind === 'weighted-mle' ? spec.reward : null;
  return { tables: [spec.on], sources: source === null ? [] : [source] };
}

export function referencesOfCurate(spec: CurateSpec): References {
  return { tables: [spec.from], sources: spec.op === 'rubrics' ? [] : typeof spec.by === 'string' ? [spec.by] : spec.by };
}

export function referencesOfEvaluation(spec: ModelEvaluationSpec): References {
  const sources = 'of' in spec ? [spec.of, ...(spec.kind === 'correlation' ? [spec.with] : [])] : [];
  return { tables: [spec.on], sources };
}

/** Whether a source is fitted or learned, and so has a file of its own. */
export function isModel(job: ModelJob, name: string): boolean {
  return name in job.learn || job.sources[name]?.kind === 'model';
}

function referencesOf(job: ModelJob, name: string): References {
  const source = job.sources[name];
  const learn = job.learn[name];
  return source ? referencesOfSource(source) : learn ? referencesOfLearn(learn) : { tables: [], sources: [] };
}

/**
 * Curation, fits and policies in an order in which everything is there when it is needed, then the evaluations; otherwise
 * by name: a job that was stored has its keys sorted.
 * @throws RangeError where parts need each other in a circle, with the names of the circle
 */
export function planSteps(job: ModelJob): readonly PlannedStep[] {
  const made = new Set(tablesOf(job.data));
  const planned: PlannedStep[] = [];
  const visiting: string[] = [];
  const visit = (kind: 'table' | 'source', name: string): void => {
    const key = `${kind} ${name}`;
    if (made.has(kind === 'table' ? name : key)) return;
    if (visiting.includes(key)) throw new RangeError([...visiting.slice(visiting.indexOf(key)), key].map((one) => one.split(' ')[1]).join(' -> '));
    visiting.push(key);
    const curate = kind === 'table' ? job.curate[name] : undefined;
    const references = kind === 'source' ? referencesOf(job, name) : curate ? referencesOfCurate(curate) : { tables: [], sources: [] };
    for (const table of references.tables) visit('table', table);
    for (const source of references.sources) visit('source', source);
    visiting.pop();
    made.add(kind === 'table' ? name : key);
    if (curate) planned.push({ kind: 'curate', name, needs: needsOf(job, references), steps: 0 });
    else if (kind === 'source' && isModel(job, name)) planned.push({ kind: 'fit', name, needs: needsOf(job, references), steps: stepsOf(job, name) });
  };
  for (const name of Object.keys(job.curate).sort()) visit('table', name);
  for (const name of [...Object.keys(job.sources), ...Object.keys(job.learn)].sort()) visit('source', name);
  const evaluations = Object.entries(job.evaluate)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, spec]): PlannedStep => ({ kind: 'evaluate', name, needs: needsOf(job, referencesOfEvaluation(spec)), steps: 0 }));
  return [...planned, ...evaluations];
}

function stepsOf(job: ModelJob, name: string): number {
  const source = job.sources[name];
  return source?.kind === 'model' ? source.fit.steps : (job.learn[name]?.steps ?? 0);
}

/** Tables and models that must be read, through sources that are made of others. A fitted model brings no more than itself. */
function needsOf(job: ModelJob, references: References): Needs {
  const tables = new Set(references.tables);
  const models = new Set<string>();
  const walk = (name: string): void => {
    if (isModel(job, name)) {
      models.add(name);
      const source = job.sources[name];
      // The file of a gate has the heads as an input.
      if (source?.kind === 'model' && source.fit.kind === 'gate') walk(source.fit.heads);
      return;
    }
    const inner = referencesOf(job, name);
    for (const table of inner.tables) tables.add(table);
    for (const source of inner.sources) walk(source);
  };
  for (const source of references.sources) walk(source);
  return { tables: [...tables].sort(), models: [...models].sort() };
}

/** Tables that a source was fitted on, through everything that it is made of, and the tables that those were curated from. */
export function trainingTables(job: ModelJob, name: string): Set<string> {
  const found = new Set<string>();
  const table = (one: string): void => {
    if (found.has(one)) return;
    found.add(one);
    const curate = job.curate[one];
    if (curate) for (const inner of referencesOfCurate(curate).tables) table(inner);
  };
  const source = (one: string): void => {
    const references = referencesOf(job, one);
    // Rubrics are written from labels, as a model is fitted on them.
    if (isModel(job, one) || job.sources[one]?.kind === 'rubric-judge') references.tables.forEach(table);
    references.sources.forEach(source);
  };
  source(name);
  return found;
}
