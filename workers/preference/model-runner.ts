/**
 * The steps of a run without rollouts: makes tables, curates them, fits models a stretch of steps at a time, evaluates.
 * Each is a pure function of its input and of stored objects; a repeated call finds what it wrote and gives the same reference.
 */
import { LaurelError } from '../../proto/errors.js';
import type { CurateTableInput, EvaluateModelInput, FitModelInput, FitModelResult, MadeParts, MakeTablesInput, MakeTablesResult, ModelRef } from '../../proto/preference-activities.js';
import type { ModelJob } from '../../proto/preference-job.js';
import type { FitSpec, PolicyLearnSpec } from '../../proto/preference-sources.js';
import type { ArtifactRef, EvaluationRef } from '../../proto/references.js';
import { CounterRandom } from '../../proto/philox.js';
import { SCHEMA_VERSIONS } from '../../proto/schemas.js';
import { sizeOf } from '../learner/graph/graph.js';
import { freshTrainerState, LossSession, type TrainerState } from '../learner/loss-session.js';
import { decodeSafeTensors, encodeSafeTensors, type NamedTensor } from '../learner/safetensors.js';
import { initialParameters, type Fit } from '../reward/fits/fit.js';
import { openFit } from '../reward/fits/registry.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { canonicalJson, readJson, writeArtifact } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { curated } from './curation.js';
import { decodeDataset, encodeDataset, type Dataset } from './dataset.js';
import { evaluateWith } from './evaluations/registry.js';
import { Scoring } from './scoring.js';
import { makeTables } from './workloads/registry.js';

export interface ModelRunnerOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  /** Flight locations where this worker offers what it wrote. */
  readonly endpoints: readonly string[];
}

export interface ModelWork {
  readonly signal?: AbortSignal;
  readonly onProgress?: (note: unknown) => void;
}

/** Steps between two looks at whether the call was cancelled. */
const STEPS_PER_LOOK = 50;
const CHECKPOINT_FORMAT = '1';
const MOMENTS = ['parameters', 'first', 'second'] as const;
const ADAM = { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, gradientNormMax: 10 } as const;

export class ModelRunner {
  constructor(private readonly options: ModelRunnerOptions) {}

  /** Writes the job and the tables of its workload. @throws LaurelError LAUREL_STORE_CONFLICT where the run id belongs to another job */
  async makeTables({ run, job }: MakeTablesInput): Promise<MakeTablesResult> {
    const spec = await writeArtifact(this.options.store, layout.spec(run), Buffer.from(`${canonicalJson(job)}\n`), { schemaVersion: 1 });
    const tables: Record<string, ArtifactRef> = {};
    // As it is stored, so that whoever reads it back makes the same bytes.
    const stored = JSON.parse(canonicalJson(job)) as ModelJob;
    for (const [name, data] of Object.entries(makeTables(stored.data, stored.seed))) tables[name] = await this.writeTable(run, name, data);
    return { spec, tables };
  }

  async curateTable(input: CurateTableInput): Promise<ArtifactRef> {
    const job = await this.jobOf(input.run);
    const spec = required(job.curate[input.name], `curate.${input.name}`);
    return this.scoring(job, input, async (scoring) => this.writeTable(input.run, input.name, await curated(spec, scoring.table(spec.from), scoring)));
  }

  /** Steps `from` + 1 to `to`; the last of the fit brings the model. */
  async fitModel(input: FitModelInput, work: ModelWork = {}): Promise<FitModelResult> {
    const { run, name, from, to } = input;
    const job = await this.jobOf(run);
    const spec = trained(job, name);
    return this.scoring(job, input, async (scoring) => {
      const seed = seedOf(job.seed, name);
      const fit = await openFit(spec, { data: scoring.table(spec.on), seed, score: (source) => scoring.score(source, scoring.table(spec.on)), parametersOf: (source) => scoring.parametersOf(source) });
      const state = await this.stateOf(fit, input, seed);
      const done = await trainedFurther(fit, spec, seed, state, to, work);
      const checkpoint = await writeArtifact(this.options.store, layout.fitCheckpoint(run, name, to), encodeState(fit, done.state), { schemaVersion: 1 });
      const model = to < spec.steps ? null : { ...(await this.writeModel(run, name, fit.files(done.state.parameters))), checkpoint };
      const parameters = fit.objective.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
      if (state.step !== from) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected a checkpoint of step ${from}, got ${state.step}`);
      return { checkpoint, metrics: { ...done.metrics, parameters }, model };
    });
  }

  async evaluateModel(input: EvaluateModelInput): Promise<EvaluationRef> {
    const { run, name, index } = input;
    const job = await this.jobOf(run);
    const spec = required(job.evaluate[name], `evaluate.${name}`);
    const { items, means } = await this.scoring(job, input, (scoring) => evaluateWith(spec, { scoring, data: scoring.table(spec.on) }));
    const wrong = Object.entries(means).find(([, one]) => !Number.isFinite(one.mean));
    if (wrong) throw new LaurelError('LAUREL_NUMBER_INVALID', `expected finite figures from the evaluation ${name}, got ${wrong[0]} = ${wrong[1].mean}`);
    const record = { schemaVersion: 1, run, suite: name, policyVersion: index, kind: spec.kind, items, episodes: [], failed: 0, means };
    const artifact = await writeArtifact(this.options.store, layout.evaluation(run, index, name), Buffer.from(`${JSON.stringify(record)}\n`), { schemaVersion: 1 });
    return { ...artifact, endpoints: [], version: index, episodes: items, means };
  }

  private async jobOf(run: string): Promise<ModelJob> {
    const job = await readJson<ModelJob>(this.options.store, layout.spec(run));
    if (!job) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${layout.spec(run)} in the store, found nothing`, { key: layout.spec(run) });
    return job;
  }

  private async scoring<T>(job: ModelJob, parts: MadeParts, use: (scoring: Scoring) => Promise<T>): Promise<T> {
    const tables: Record<string, Dataset> = {};
    for (const [name, ref] of Object.entries(parts.tables)) tables[name] = decodeDataset(await this.options.reader.read(ref));
    const fileOf = (model: string, role: string): Promise<Uint8Array> => this.options.reader.read(required(parts.models[model]?.[role], `the file ${role} of the model ${model}`));
    const scoring = new Scoring({ job, tables, fileOf });
    try {
      return await use(scoring);
    } finally {
      await scoring.close();
    }
  }

  private writeTable(run: string, name: string, data: Dataset): Promise<ArtifactRef> {
    return writeArtifact(this.options.store, layout.table(run, name), encodeDataset(data), { rows: data.rows, schemaVersion: SCHEMA_VERSIONS.units, endpoints: this.options.endpoints });
  }

  private async writeModel(run: string, name: string, files: Readonly<Record<string, Uint8Array>>): Promise<ModelRef> {
    const refs: Record<string, ArtifactRef> = {};
    for (const [role, bytes] of Object.entries(files)) refs[role] = await writeArtifact(this.options.store, layout.model(run, name, role), bytes, { schemaVersion: 1 });
    return refs;
  }

  private async stateOf(fit: Fit, { parent }: FitModelInput, seed: number): Promise<TrainerState> {
    if (parent === null) return freshTrainerState(fit.initial ?? initialParameters(fit.objective.parameters, seed));
    return decodeState(fit, await this.options.reader.read(parent));
  }
}

/** The same data and steps under another name are another draw. */
function seedOf(seed: number, name: string): number {
  let hash = 0;
  for (const character of name) hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
  return seed * 0x10000 + (hash & 0xffff);
}

async function trainedFurther(fit: Fit, spec: FitSpec | PolicyLearnSpec, seed: number, from: TrainerState, to: number, work: ModelWork): Promise<{ state: TrainerState; metrics: Readonly<Record<string, number>> }> {
  const session = await LossSession.create(fit.objective, { ...ADAM, learningRate: spec.learningRate });
  const random = new CounterRandom(seed, 'minibatch');
  let state = from;
  let metrics: Readonly<Record<string, number>> = {};
  try {
    while (state.step < to) {
      if (state.step % STEPS_PER_LOOK === 0) {
        work.signal?.throwIfAborted();
        work.onProgress?.({ step: state.step });
        // The event loop gets its turn: signals and heartbeats come in.
        await new Promise((resolve) => setImmediate(resolve));
      }
      const step = state.step;
      const rows = Int32Array.from({ length: spec.batch }, (_, index) => Math.min(fit.rows - 1, Math.floor(random.uniform(step, index) * fit.rows)));
      ({ state, metrics } = await session.step(state, fit.feeds(rows, step, state.parameters), 1 - step / spec.steps));
    }
    return { state, metrics };
  } finally {
    await session.release();
  }
}

function encodeState(fit: Fit, state: TrainerState): Uint8Array {
  const tensors: Record<string, NamedTensor> = {};
  for (const { name, shape } of fit.objective.parameters) for (const kind of MOMENTS) tensors[`${kind}.${name}`] = { shape, data: state[kind][name] as Float32Array };
  return encodeSafeTensors({ tensors, metadata: { format: CHECKPOINT_FORMAT, step: String(state.step) } });
}

/** @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_MODEL_INVALID */
function decodeState(fit: Fit, bytes: Uint8Array): TrainerState {
  const { tensors, metadata } = decodeSafeTensors(bytes);
  const read = (kind: (typeof MOMENTS)[number]): Record<string, Float32Array> =>
    Object.fromEntries(
      fit.objective.parameters.map(({ name, shape }) => {
        const tensor = tensors[`${kind}.${name}`];
        if (tensor?.shape.join() !== shape.join()) throw new LaurelError('LAUREL_MODEL_INVALID', `expected ${kind}.${name} of shape [${shape.join()}] in the checkpoint, got ${tensor ? `[${tensor.shape.join()}]` : 'none'}`);
        return [name, tensor.data];
      }),
    );
  return { step: Number(metadata['step']), parameters: read('parameters'), first: read('first'), second: read('second') };
}

function trained(job: ModelJob, name: string): FitSpec | PolicyLearnSpec {
  const source = job.sources[name];
  return required(source?.kind === 'model' ? source.fit : job.learn[name], `a fit or a policy ${name}`);
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected ${what}, found nothing`);
  return value;
}
