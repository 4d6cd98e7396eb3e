/** A policy at work on a group of environments, as the collector and the evaluator use it. */
import type { Tensor } from 'onnxruntime-node';
import type { NetworkPolicySpec } from '../../../proto/learning.js';
import type { EnvironmentGroup, Spaces } from '../environments/environment.js';

/** Parameters of one version, ready to be fed. */
export interface LoadedPolicy {
  readonly version: number;
  /** By graph input. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Row i for environment i. */
export interface PolicyOutputs {
  /** `size * parametersPerAction` values, see ActionSampler. */
  readonly distribution: Float32Array;
  /** `size * valueCount` values. */
  readonly value: Float32Array;
}

/** Bound to the observation buffers of its group; keeps the memory of each environment. */
export interface GroupPolicy {
  /** Values of memory for each environment; 0: the policy has none. */
  readonly stateSize: number;
  /** Value functions. */
  readonly valueCount: number;
  /** Memory before the newest observation, `size * stateSize` values; a view, valid until the next `advance`. */
  readonly state: Float32Array;
  usePolicy(policy: LoadedPolicy): void;
  setState(state: Float32Array): void;
  /** Environment `index` begins an episode: it remembers nothing. */
  clearState(index: number): void;
  /** Evaluates the newest observations; the memory stays as it was until `advance`. */
  run(): Promise<PolicyOutputs>;
  /** Takes over the memory that the last `run` gave. */
  advance(): void;
}

/** A policy artefact. */
export interface PolicyBytes {
  readonly version: number;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** One network for one batch size, shared by all groups that need it. */
export interface SharedPolicy {
  bind(group: EnvironmentGroup): GroupPolicy;
  /** Parameters of an artefact; known ones by their digest alone. @throws LaurelError LAUREL_MODEL_INVALID, LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT */
  load(policy: PolicyBytes): LoadedPolicy;
  /** To be called once by each holder. */
  release(): Promise<void>;
}

export interface PolicyProvider {
  /** @throws LaurelError LAUREL_MODEL_INVALID */
  acquire(spaces: Spaces, policy: NetworkPolicySpec, size: number): Promise<SharedPolicy>;
}
