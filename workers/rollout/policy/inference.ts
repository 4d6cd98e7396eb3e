/**
 * The policy on one group of environments: observations in, action distribution and value out, memory kept for each
 * environment. Parameters are inputs of the graph, so a new version is no new session.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { LaurelError } from '../../../proto/errors.js';
import type { PolicyTensor } from '../../learner/policy-artifact.js';
import type { EnvironmentGroup, ObservationBuffer } from '../environments/environment.js';
import type { GroupPolicy, LoadedPolicy, PolicyOutputs } from './group-policy.js';
import type { InferenceModel } from './inference-model.js';

/** One graph for one batch size; without state, so several groups can use it. */
export class PolicySession {
  private constructor(
    readonly model: InferenceModel,
    readonly size: number,
    private readonly session: InferenceSession,
  ) {}

  /** @throws LaurelError LAUREL_MODEL_INVALID */
  static async create(model: InferenceModel, size: number): Promise<PolicySession> {
    let session: InferenceSession;
    try {
      // One thread: rollout workers are spread over the cores as processes, and one thread always sums in the same order.
      session = await InferenceSession.create(model.bytes, {
        executionProviders: ['cpu'],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
      });
    } catch (cause) {
      throw new LaurelError('LAUREL_MODEL_INVALID', `expected an inference graph that loads, got: ${(cause as Error).message}`, {}, { cause });
    }
    return new PolicySession(model, size, session);
  }

  /**
   * Checks the parameters against the graph and makes tensors of them.
   * @throws LaurelError LAUREL_MODEL_INVALID
   */
  load(version: number, parameters: readonly PolicyTensor[]): LoadedPolicy {
    const tensors: Record<string, Tensor> = {};
    const given = new Map(parameters.map((parameter) => [parameter.name, parameter]));
    for (const { name, input, shape } of this.model.parameters) {
      const parameter = given.get(name);
      if (!parameter || parameter.shape.join() !== shape.join()) {
        throw new LaurelError(
          'LAUREL_MODEL_INVALID',
          `expected policy version ${version} to hold ${name} of shape [${shape.join(', ')}], got ${parameter ? `[${parameter.shape.join(', ')}]` : 'no such tensor'}; was it written for another job?`,
          { version, name },
        );
      }
      tensors[input] = new Tensor('float32', parameter.data, [...shape]);
    }
    return { version, tensors };
  }

  run(feeds: Record<string, Tensor>): Promise<InferenceSession.ReturnType> {
    return this.session.run(feeds);
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

/** A policy session bound to the observation buffers of one group, with the memory of its environments. */
export class PolicyInference implements GroupPolicy {
  private readonly feeds: Record<string, Tensor> = {};
  /** Memory before the newest observation, `size * stateSize` values; the tensor that is fed. */
  private memory: Tensor | null;
  private nextMemory: Tensor | null = null;

  constructor(
    private readonly session: PolicySession,
    { spaces, observations }: EnvironmentGroup,
  ) {
    const { model, size } = session;
    for (const [name, space] of Object.entries(spaces.observations)) {
      const input = model.observationInputs[name];
      // A network may leave an observation out; the graph then has no input for it.
      if (input !== undefined) this.feeds[input] = tensorOver(observations[name] as ObservationBuffer, [size, ...space.shape]);
    }
    this.memory = model.state ? new Tensor('float32', new Float32Array(size * model.state.size), [size, model.state.size]) : null;
  }

  get stateSize(): number {
    return this.session.model.state?.size ?? 0;
  }

  get valueCount(): number {
    return this.session.model.valueCount;
  }

  get state(): Float32Array {
    return this.memory === null ? new Float32Array(0) : (this.memory.data as Float32Array);
  }

  usePolicy(policy: LoadedPolicy): void {
    Object.assign(this.feeds, policy.tensors);
  }

  setState(state: Float32Array): void {
    this.state.set(state);
  }

  clearState(index: number): void {
    this.state.fill(0, index * this.stateSize, (index + 1) * this.stateSize);
  }

  async run(): Promise<PolicyOutputs> {
    const { state, outputs } = this.session.model;
    if (state && this.memory) this.feeds[state.input] = this.memory;
    const results = await this.session.run(this.feeds);
    if (state) this.nextMemory = results[state.output] as Tensor;
    return { distribution: (results[outputs.distribution] as Tensor).data as Float32Array, value: (results[outputs.value] as Tensor).data as Float32Array };
  }

  advance(): void {
    if (this.nextMemory !== null) this.memory = this.nextMemory;
    this.nextMemory = null;
  }
}

function tensorOver(buffer: ObservationBuffer, dims: readonly number[]): Tensor {
  if (buffer instanceof Uint8Array) return new Tensor('uint8', buffer, dims);
  if (buffer instanceof Int16Array) return new Tensor('int16', buffer, dims);
  if (buffer instanceof Int32Array) return new Tensor('int32', buffer, dims);
  return new Tensor('float32', buffer, dims);
}
