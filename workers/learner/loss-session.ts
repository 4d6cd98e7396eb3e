/** Optimiser steps on any loss: forward, backward, clip and Adam as one graph in one session. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { LaurelError } from '../../proto/errors.js';
import { adam, clipGlobalNorm, type AdamSpec } from './graph/adam.js';
import { Graph, sizeOf, type Tensor } from './graph/graph.js';
import { Scope, type ParameterDefinition } from './networks/scope.js';

/** Parameters, Adam's moments and the number of steps taken: all that the next step depends on. */
export interface TrainerState {
  readonly step: number;
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly first: Readonly<Record<string, Float32Array>>;
  readonly second: Readonly<Record<string, Float32Array>>;
}

export interface Loss {
  /** Scalar. */
  readonly loss: Tensor;
  /** Scalars by name. */
  readonly metrics: Readonly<Record<string, Tensor>>;
}

/** Something that can be trained: its parameters, and its loss as a graph whose other inputs are fed at each step. */
export interface Objective {
  readonly parameters: readonly ParameterDefinition[];
  readonly build: (g: Graph, scope: Scope) => Loss;
}

export type Feeds = Readonly<Record<string, OrtTensor>>;

/** Moments of zero around given parameters. */
export function freshTrainerState(parameters: Readonly<Record<string, Float32Array>>): TrainerState {
  const zeros = (): Record<string, Float32Array> => Object.fromEntries(Object.entries(parameters).map(([name, { length }]) => [name, new Float32Array(length)]));
  return { step: 0, parameters, first: zeros(), second: zeros() };
}

/** One thread: the gradient of an embedding races on more (see `embedding`), and one thread always sums in the same order. */
const TRAINING_SESSION = { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', enableMemPattern: false } as const satisfies InferenceSession.SessionOptions;

export class LossSession {
  private constructor(
    private readonly parameters: readonly ParameterDefinition[],
    private readonly spec: AdamSpec,
    private readonly session: InferenceSession,
    private readonly metricNames: readonly string[],
  ) {}

  static async create(objective: Objective, spec: AdamSpec): Promise<LossSession> {
    const { bytes, metricNames } = trainingGraph(objective, spec);
    return new LossSession(objective.parameters, spec, await InferenceSession.create(bytes, TRAINING_SESSION), metricNames);
  }

  /**
   * The state after one step. The arguments are not changed; the same arguments give the same bits.
   * @param rate factor on the learning rate
   * @throws LaurelError LAUREL_NUMBER_INVALID where a metric is not finite
   */
  async step(state: TrainerState, feeds: Feeds, rate = 1): Promise<{ state: TrainerState; metrics: Record<string, number> }> {
    const t = state.step + 1;
    const all: Feeds = {
      ...feeds,
      ...parameterFeeds(this.parameters, state.parameters),
      ...parameterFeeds(this.parameters, state.first, 'first'),
      ...parameterFeeds(this.parameters, state.second, 'second'),
      'adam.step_size': new OrtTensor('float32', Float32Array.of((rate * this.spec.learningRate) / (1 - this.spec.adamBeta1 ** t)), []),
      'adam.second_scale': new OrtTensor('float32', Float32Array.of(1 / Math.sqrt(1 - this.spec.adamBeta2 ** t)), []),
    };
    const results = await this.session.run(all);
    const metrics = Object.fromEntries(this.metricNames.map((name) => [name, (results[`metric.${name}`] as OrtTensor).data[0] as number]));
    const wrong = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
    if (wrong) throw new LaurelError('LAUREL_NUMBER_INVALID', `expected finite numbers from step ${t}, got ${wrong[0]} = ${wrong[1]}; the step is not recorded`, { metrics });
    const collect = (kind: string): Record<string, Float32Array> => Object.fromEntries(this.parameters.map(({ name }) => [name, (results[`${kind}.${name}`] as OrtTensor).data as Float32Array]));
    return { state: { step: t, parameters: collect('next.parameter'), first: collect('next.first'), second: collect('next.second') }, metrics };
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function trainingGraph({ parameters: definitions, build }: Objective, spec: AdamSpec): { bytes: Uint8Array; metricNames: string[] } {
  const g = new Graph('training');
  const scope = new Scope(g);
  const { loss, metrics } = build(g, scope);
  const parameters = definitions.map(({ name }) => scope.tensors.get(name) as Tensor);
  const gradients = g.gradients(loss, parameters);
  const { norm, clipped } = clipGlobalNorm(g, gradients, spec.gradientNormMax);
  const inputs = { stepSize: g.input('adam.step_size', []), secondScale: g.input('adam.second_scale', []) };
  definitions.forEach(({ name, shape }, index) => {
    const next = adam(g, spec, inputs, parameters[index] as Tensor, clipped[index] as Tensor, g.input(`first.${name}`, shape), g.input(`second.${name}`, shape));
    g.output(`next.parameter.${name}`, next.parameter);
    g.output(`next.first.${name}`, next.first);
    g.output(`next.second.${name}`, next.second);
  });
  const all = { loss, ...metrics, gradientNorm: norm };
  for (const [name, tensor] of Object.entries(all)) g.output(`metric.${name}`, tensor);
  return { bytes: g.build(), metricNames: Object.keys(all) };
}

/** Feeds of parameters, or of their moments, for a graph that has them as inputs. */
export function parameterFeeds(definitions: readonly ParameterDefinition[], values: Readonly<Record<string, Float32Array>>, kind: 'parameter' | 'first' | 'second' = 'parameter'): Feeds {
  return Object.fromEntries(
    definitions.map(({ name, shape }) => {
      const data = values[name];
      if (data?.length !== sizeOf(shape)) throw new LaurelError('LAUREL_MODEL_INVALID', `expected ${name} of shape [${shape.join()}], got ${data?.length ?? 0} numbers`, { name });
      return [`${kind}.${name}`, new OrtTensor('float32', data, [...shape])];
    }),
  );
}
