/** Scores of units by the sources of a job: columns, judges, models, and what is made of them. */
import { LaurelError } from '../../proto/errors.js';
import type { ModelJob } from '../../proto/preference-job.js';
import type { ScorerSpecOf } from '../../proto/preference-sources.js';
import { CounterRandom } from '../../proto/philox.js';
import { decodeSafeTensors } from '../learner/safetensors.js';
import type { Parameters, Scores } from '../reward/fits/fit.js';
import { HEADS_COLUMN } from '../reward/fits/gate.js';
import { projected } from '../reward/goal-projection.js';
import { adaptedScores } from './adaptation.js';
import { unitColumn, unitNumbers, type Dataset, type UnitColumn } from './dataset.js';
import { listwiseScores } from './listwise-judge.js';
import { rubricScores } from './rubrics.js';
import { mean, standardised } from './statistics.js';
import { ModelFile } from './model-file.js';
import { dot } from './workloads/draw.js';

export interface ScoringOptions {
  readonly job: ModelJob;
  readonly tables: Readonly<Record<string, Dataset>>;
  /** Files of a model by role, as bytes. @throws LaurelError LAUREL_STORE_MISSING where it is not there */
  readonly fileOf: (model: string, role: string) => Promise<Uint8Array>;
}

/** Scores are a pure function of the job, the tables and the files; units do not depend on each other, but for `standardise` and ranks. */
export class Scoring {
  private readonly open = new Map<string, Promise<ModelFile>>();

  constructor(readonly options: ScoringOptions) {}

  table(name: string): Dataset {
    const table = this.options.tables[name];
    if (!table) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected the table ${name} among the inputs, got ${Object.keys(this.options.tables).join(', ')}`);
    return table;
  }

  /** Scores of every unit of `data`, all heads of the source. */
  async score(source: string, data: Dataset): Promise<Scores> {
    const { job } = this.options;
    if (source in job.learn) return (await this.outputs(source, data, ['score']))['score'] as Scores;
    const spec = job.sources[source];
    switch (spec?.kind) {
      case 'column':
        return unitColumn(data, spec.column);
      case 'confidence':
        return { width: 1, values: confidence(unitColumn(data, spec.rationale), unitColumn(data, spec.answer)) };
      case 'likeness':
        return { width: 1, values: spec.form === 'cosine' ? likeness(unitColumn(data, spec.of), unitColumn(data, spec.to)) : projection(unitColumn(data, spec.of), unitColumn(data, spec.to), spec.baseline === null ? null : unitColumn(data, spec.baseline), spec.alpha) };
      case 'judge':
        return { width: 1, values: judged(spec, data, job.seed) };
      case 'listwise-judge':
        return { width: 1, values: listwiseScores(spec, data, job.seed) };
      case 'rubric-judge':
        return { width: 1, values: rubricScores(spec, spec.rubrics === null ? null : this.table(spec.rubrics), data, job.seed) };
      case 'model':
        return (await this.outputs(source, data, ['score']))['score'] as Scores;
      case 'head': {
        const { width, values } = spec.output === 'score' ? await this.score(spec.of, data) : ((await this.outputs(spec.of, data, [spec.output]))[spec.output] as Scores);
        if (spec.index >= width) throw new LaurelError('LAUREL_JOB_INVALID', `expected a head below ${width} of ${spec.of} in sources.${source}, got ${spec.index}`);
        return { width: 1, values: Float32Array.from({ length: data.rows }, (_, row) => values[row * width + spec.index] as number) };
      }
      case 'combine':
        return { width: 1, values: await this.combined(spec, data) };
      case 'adapted':
        return { width: 1, values: await adaptedScores(this, spec, data) };
      case undefined:
        throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected a source ${source} in the job`);
      default: {
        const never: never = spec;
        throw new TypeError(`unknown source ${JSON.stringify(never)}`);
      }
    }
  }

  /** One number for each unit. @throws LaurelError LAUREL_JOB_INVALID where the source has several heads */
  async scalar(source: string, data: Dataset): Promise<Float32Array> {
    const { width, values } = await this.score(source, data);
    if (width !== 1) throw new LaurelError('LAUREL_JOB_INVALID', `expected one number for each unit from ${source}, got ${width}; choose one with a source of kind head, or combine them with adapted`, { source, width });
    return values;
  }

  /** Named outputs of the model file of a source. @param more columns besides those of the table */
  async outputs(source: string, data: Dataset, names: readonly string[], more: Readonly<Record<string, Scores>> = {}): Promise<Record<string, Scores>> {
    const fit = this.options.job.sources[source];
    const heads = fit?.kind === 'model' && fit.fit.kind === 'gate' ? { [HEADS_COLUMN]: await this.score(fit.fit.heads, data) } : {};
    const columns: Readonly<Record<string, Scores | undefined>> = { ...heads, ...more };
    return (await this.file(source, 'model')).run(data.rows, (name) => columns[name] ?? unitColumn(data, name), names);
  }

  file(model: string, role: string): Promise<ModelFile> {
    const key = `${model}/${role}`;
    const known = this.open.get(key) ?? this.options.fileOf(model, role).then((bytes) => ModelFile.open(bytes));
    this.open.set(key, known);
    return known;
  }

  /** Parameters of a fit at its end. */
  async parametersOf(model: string): Promise<Parameters> {
    const { tensors } = decodeSafeTensors(await this.options.fileOf(model, 'checkpoint'));
    const prefix = 'parameters.';
    return Object.fromEntries(Object.entries(tensors).flatMap(([name, { data }]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), data]] : [])));
  }

  async close(): Promise<void> {
    for (const file of this.open.values()) await file.then((one) => one.release(), () => undefined);
    this.open.clear();
  }

  private async combined(spec: ScorerSpecOf<'combine'>, data: Dataset): Promise<Float32Array> {
    const weights = Object.values(spec.of);
    const parts: Float32Array[] = [];
    for (const name of Object.keys(spec.of)) parts.push(await this.scalar(name, data));
    const ready = spec.standardise ? parts.map(standardised) : parts;
    const at = (row: number): number[] => ready.map((part) => part[row] as number);
    const combine: Record<typeof spec.op, (values: number[]) => number> = {
      linear: (values) => values.reduce((sum, value, index) => sum + value * (weights[index] as number), 0),
      mean: (values) => mean(values),
      min: (values) => Math.min(...values),
      'mean-minus-deviation': (values) => mean(values) - spec.kappa * Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2))),
    };
    return Float32Array.from({ length: data.rows }, (_, row) => combine[spec.op](at(row)));
  }
}

/** Mean over the rationale plus sum over the answer, nats. */
export function confidence(rationale: UnitColumn, answer: UnitColumn): Float32Array {
  return Float32Array.from({ length: rationale.values.length / rationale.width }, (_, at) => mean(rowOf(rationale, at)) + rowOf(answer, at).reduce((sum, one) => sum + one, 0));
}

/** Cosine; 0 where one of both is 0. @throws LaurelError LAUREL_SCHEMA_MISMATCH where the widths differ */
export function likeness(a: UnitColumn, b: UnitColumn): Float32Array {
  checkWidths([a, b]);
  return Float32Array.from({ length: a.values.length / a.width }, (_, at) => {
    const [x, y] = [rowOf(a, at), rowOf(b, at)];
    return dot(x, y) / (Math.sqrt(dot(x, x) * dot(y, y)) || 1);
  });
}

/** The goal-baseline regularised likeness of each row (see `projected`). @throws LaurelError LAUREL_SCHEMA_MISMATCH where the widths differ */
export function projection(state: UnitColumn, goal: UnitColumn, baseline: UnitColumn | null, alpha: number): Float32Array {
  checkWidths([state, goal, ...(baseline ? [baseline] : [])]);
  return Float32Array.from({ length: state.values.length / state.width }, (_, at) => projected(rowOf(state, at), rowOf(goal, at), baseline ? rowOf(baseline, at) : undefined, alpha));
}

function rowOf({ width, values }: UnitColumn, at: number): Float32Array {
  return values.subarray(at * width, (at + 1) * width);
}

function checkWidths(columns: readonly UnitColumn[]): void {
  const widths = columns.map(({ width }) => width);
  if (new Set(widths).size > 1) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected columns of one width, got ${widths.join(' and ')}`);
}

/** What a judge makes of each unit by itself; `first` has no opinion of its own (see preferredFirst). */
function judged(spec: ScorerSpecOf<'judge'>, data: Dataset, seed: number): Float32Array {
  if (spec.rule === 'first') return new Float32Array(data.rows);
  const random = new CounterRandom(seed, 'judgeNoise');
  // Noise of judges with different deviations is independent: the deviation is part of the counter.
  const stream = Math.round(spec.noise * 1000);
  if (spec.rule === 'random') return Float32Array.from({ length: data.rows }, (_, row) => random.uniform(row, stream, 1));
  return unitNumbers(data, spec.column).map((value, row) => value + spec.noise * random.normal(row, stream, 2));
}
