/** One optimiser step: forward, backward, clip and Adam as one graph in one session. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { LaurelError } from '../../proto/errors.js';
import type { LearnSpec } from '../../proto/learning.js';
import { adam, clipGlobalNorm } from './graph/adam.js';
import { Graph, sizeOf, type Tensor } from './graph/graph.js';
import { actorCriticLoss } from './losses/actor-critic.js';
import type { Network } from './networks/network.js';
import { Scope } from './networks/scope.js';

/** Arrays by name; all of them time-major, see `trainingShapes`. */
export interface TrainingBatch {
  readonly observations: Readonly<Record<string, Uint8Array | Int16Array | Int32Array | Float32Array>>;
  /** [B, S] at the first step; null for a feed-forward policy. */
  readonly state: Float32Array | null;
  /** f32 [T, B]: 0 where an episode begins at that step. */
  readonly keep: Float32Array;
  readonly action: BigInt64Array | Float32Array;
  readonly behaviourLogProb: Float32Array;
  /** f32 [T, B], or [T, B, H] for H value functions, as are bootstrapValue and reward. */
  readonly behaviourValue: Float32Array;
  readonly bootstrapValue: Float32Array;
  readonly reward: Float32Array;
  readonly done: Float32Array;
  readonly weight: Float32Array;
}

/** Parameters, Adam's moments and the number of steps taken: all that the next step depends on. */
export interface TrainerState {
  readonly step: number;
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly first: Readonly<Record<string, Float32Array>>;
  readonly second: Readonly<Record<string, Float32Array>>;
}

export function initialTrainerState(network: Network, seed: number): TrainerState {
  const zeros = (): Record<string, Float32Array> => Object.fromEntries(network.parameters.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
  return { step: 0, parameters: network.initialParameters(seed), first: zeros(), second: zeros() };
}

const GRID = ['keep', 'behaviourLogProb', 'done', 'weight'] as const;
/** One number for each value function. */
const HEADS = ['behaviourValue', 'bootstrapValue', 'reward'] as const;

function headShape(network: Network, steps: number, batch: number): number[] {
  return network.valueCount === 1 ? [steps, batch] : [steps, batch, network.valueCount];
}

export class TrainStepper {
  private constructor(
    readonly network: Network,
    readonly spec: LearnSpec,
    readonly steps: number,
    readonly batch: number,
    private readonly session: InferenceSession,
    private readonly metricNames: readonly string[],
  ) {}

  /** @param threads more than one makes the embedding gradient race (see `embedding`) and is refused */
  static async create(network: Network, spec: LearnSpec, steps: number, batch: number): Promise<TrainStepper> {
    const { bytes, metricNames } = trainingGraph(network, spec, steps, batch);
    const session = await InferenceSession.create(bytes, { executionProviders: ['cpu'], intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', enableMemPattern: false });
    return new TrainStepper(network, spec, steps, batch, session, metricNames);
  }

  /**
   * The state after one step. Neither argument is changed; the same arguments give the same bits.
   * @throws LaurelError LAUREL_NUMBER_INVALID where a result is not finite
   */
  async step(state: TrainerState, batch: TrainingBatch): Promise<{ state: TrainerState; metrics: Record<string, number> }> {
    const results = await this.session.run(this.feeds(state, batch));
    const metrics = Object.fromEntries(this.metricNames.map((name) => [name, (results[`metric.${name}`] as OrtTensor).data[0] as number]));
    const collect = (kind: string): Record<string, Float32Array> => Object.fromEntries(this.network.parameters.map(({ name }) => [name, (results[`${kind}.${name}`] as OrtTensor).data as Float32Array]));
    const wrong = Object.entries(metrics).find(([, value]) => !Number.isFinite(value));
    if (wrong) throw new LaurelError('LAUREL_NUMBER_INVALID', `expected finite numbers from step ${state.step + 1}, got ${wrong[0]} = ${wrong[1]}; the step is not recorded`, { metrics });
    return { state: { step: state.step + 1, parameters: collect('next.parameter'), first: collect('next.first'), second: collect('next.second') }, metrics };
  }

  async release(): Promise<void> {
    await this.session.release();
  }

  private feeds(state: TrainerState, batch: TrainingBatch): Record<string, OrtTensor> {
    const { network, steps, batch: width, spec } = this;
    const rows = steps * width;
    const t = state.step + 1;
    const feeds: Record<string, OrtTensor> = {
      'adam.step_size': new OrtTensor('float32', Float32Array.of(spec.learningRate / (1 - spec.adamBeta1 ** t)), []),
      'adam.second_scale': new OrtTensor('float32', Float32Array.of(1 / Math.sqrt(1 - spec.adamBeta2 ** t)), []),
    };
    for (const [name, space] of Object.entries(network.spaces.observations)) feeds[`observation.${name}`] = new OrtTensor(space.type, batch.observations[name] as never, [rows, ...space.shape]);
    for (const name of GRID) if (name !== 'keep' || network.stateSize > 0) feeds[name] = new OrtTensor('float32', batch[name], [steps, width]);
    for (const name of HEADS) feeds[name] = new OrtTensor('float32', batch[name], headShape(network, steps, width));
    if (batch.state && network.stateSize > 0) feeds['state'] = new OrtTensor('float32', batch.state, [width, network.stateSize]);
    feeds['action'] = batch.action instanceof BigInt64Array ? new OrtTensor('int64', batch.action, [rows]) : new OrtTensor('float32', batch.action, [rows, batch.action.length / rows]);
    for (const { name, shape } of network.parameters) {
      feeds[`parameter.${name}`] = new OrtTensor('float32', state.parameters[name] as Float32Array, [...shape]);
      feeds[`first.${name}`] = new OrtTensor('float32', state.first[name] as Float32Array, [...shape]);
      feeds[`second.${name}`] = new OrtTensor('float32', state.second[name] as Float32Array, [...shape]);
    }
    return feeds;
  }
}

function trainingGraph(network: Network, spec: LearnSpec, steps: number, batch: number): { bytes: Uint8Array; metricNames: string[] } {
  const g = new Graph('training');
  const scope = new Scope(g);
  const rows = steps * batch;
  const { action } = network.spaces;
  const grid = Object.fromEntries(GRID.filter((name) => name !== 'keep' || network.stateSize > 0).map((name) => [name, g.input(name, [steps, batch])])) as Record<(typeof GRID)[number], Tensor>;
  const heads = Object.fromEntries(HEADS.map((name) => [name, g.input(name, headShape(network, steps, batch))])) as Record<(typeof HEADS)[number], Tensor>;
  const actions = action.kind === 'discrete' ? g.input('action', [rows], 'int64') : g.input('action', [rows, action.size]);
  const built = network.build(scope, network.observationInputs(g, rows), steps, batch, network.stateInput(g, batch), network.stateSize > 0 ? grid.keep : null);
  const { loss, metrics } = actorCriticLoss(g, spec, action, built.distribution, built.value, { ...grid, ...heads, action: actions }, network.discounts(spec.discount));
  const parameters = network.parameters.map(({ name }) => scope.tensors.get(name) as Tensor);
  const { norm, clipped } = clipGlobalNorm(g, g.gradients(loss, parameters), spec.gradientNormMax);
  const inputs = { stepSize: g.input('adam.step_size', []), secondScale: g.input('adam.second_scale', []) };
  network.parameters.forEach(({ name, shape }, index) => {
    const next = adam(g, spec, inputs, parameters[index] as Tensor, clipped[index] as Tensor, g.input(`first.${name}`, shape), g.input(`second.${name}`, shape));
    g.output(`next.parameter.${name}`, next.parameter);
    g.output(`next.first.${name}`, next.first);
    g.output(`next.second.${name}`, next.second);
  });
  const all = { ...metrics, gradientNorm: norm };
  for (const [name, tensor] of Object.entries(all)) g.output(`metric.${name}`, tensor);
  return { bytes: g.build(), metricNames: Object.keys(all) };
}
