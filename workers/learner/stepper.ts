/** The learner's optimiser step: what a batch is, and the actor-critic loss as an objective on it. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { comparesEpisodes, type ActorCriticSpec } from '../../proto/learning.js';
import type { Tensor } from './graph/graph.js';
import { freshTrainerState, LossSession, type Feeds, type Objective, type TrainerState } from './loss-session.js';
import { actorCriticLoss } from './losses/actor-critic.js';
import { groupedEpisodesLoss } from './losses/grouped-episodes.js';
import type { Network } from './networks/network.js';

/** Arrays by name; all of them time-major. */
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
  /** f32 [T, B] where episodes are compared in groups; then values, rewards and ends are not read. */
  readonly advantage?: Float32Array;
}

export function initialTrainerState(network: Network, seed: number): TrainerState {
  return freshTrainerState(network.initialParameters(seed));
}

/** One number for each transition. */
const GRID = ['keep', 'behaviourLogProb', 'done', 'weight', 'advantage'] as const;
/** One number for each value function. */
const HEADS = ['behaviourValue', 'bootstrapValue', 'reward'] as const;

/** What the loss of a learner reads. */
function inputsOf(network: Network, spec: ActorCriticSpec): { readonly grid: readonly (typeof GRID)[number][]; readonly heads: readonly (typeof HEADS)[number][] } {
  const grouped = comparesEpisodes(spec);
  const unused = [...(network.stateSize > 0 ? [] : ['keep']), grouped ? 'done' : 'advantage'];
  return { grid: GRID.filter((name) => !unused.includes(name)), heads: grouped ? [] : HEADS };
}

function headShape(network: Network, steps: number, batch: number): number[] {
  return network.valueCount === 1 ? [steps, batch] : [steps, batch, network.valueCount];
}

/** The actor-critic loss of a network as steps on batches. */
export class TrainStepper {
  private constructor(
    readonly network: Network,
    private readonly spec: ActorCriticSpec,
    readonly steps: number,
    readonly batch: number,
    private readonly session: LossSession,
  ) {}

  /** @param batch environments side by side, of all segments together */
  static async create(network: Network, spec: ActorCriticSpec, steps: number, batch: number): Promise<TrainStepper> {
    return new TrainStepper(network, spec, steps, batch, await LossSession.create(objective(network, spec, steps, batch), spec));
  }

  /** @throws LaurelError as `LossSession.step` */
  step(state: TrainerState, batch: TrainingBatch): Promise<{ state: TrainerState; metrics: Record<string, number> }> {
    return this.session.step(state, this.feeds(batch));
  }

  release(): Promise<void> {
    return this.session.release();
  }

  private feeds(batch: TrainingBatch): Feeds {
    const { network, spec, steps, batch: width } = this;
    const { grid, heads } = inputsOf(network, spec);
    const rows = steps * width;
    const feeds: Record<string, OrtTensor> = {};
    for (const [name, space] of Object.entries(network.spaces.observations)) feeds[`observation.${name}`] = new OrtTensor(space.type, batch.observations[name] as never, [rows, ...space.shape]);
    for (const name of grid) feeds[name] = new OrtTensor('float32', batch[name] as Float32Array, [steps, width]);
    for (const name of heads) feeds[name] = new OrtTensor('float32', batch[name], headShape(network, steps, width));
    if (batch.state && network.stateSize > 0) feeds['state'] = new OrtTensor('float32', batch.state, [width, network.stateSize]);
    feeds['action'] = batch.action instanceof BigInt64Array ? new OrtTensor('int64', batch.action, [rows]) : new OrtTensor('float32', batch.action, [rows, batch.action.length / rows]);
    return feeds;
  }
}

function objective(network: Network, spec: ActorCriticSpec, steps: number, batch: number): Objective {
  const rows = steps * batch;
  const { action } = network.spaces;
  return {
    parameters: network.parameters,
    build(g, scope) {
      const { grid: gridNames, heads: headNames } = inputsOf(network, spec);
      const grid = Object.fromEntries(gridNames.map((name) => [name, g.input(name, [steps, batch])])) as Record<(typeof GRID)[number], Tensor>;
      const heads = Object.fromEntries(headNames.map((name) => [name, g.input(name, headShape(network, steps, batch))])) as Record<(typeof HEADS)[number], Tensor>;
      const actions = action.kind === 'discrete' ? g.input('action', [rows], 'int64') : g.input('action', [rows, action.size]);
      const built = network.build(scope, network.observationInputs(g, rows), steps, batch, network.stateInput(g, batch), network.stateSize > 0 ? grid.keep : null);
      if (comparesEpisodes(spec)) return groupedEpisodesLoss(g, spec, action, built.distribution, { ...grid, action: actions });
      return actorCriticLoss(g, spec, action, built.distribution, built.value, { ...grid, ...heads, action: actions }, network.discounts(spec.discount));
    },
  };
}
