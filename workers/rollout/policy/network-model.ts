/** The inference graph of a job's policy: the network that the learner trains, for one step of a group. */
import type { NetworkPolicySpec } from '../../../proto/learning.js';
import { Network } from '../../learner/networks/network.js';
import type { Spaces } from '../environments/environment.js';
import type { InferenceModel } from './inference-model.js';

export function networkModel(spaces: Spaces, policy: NetworkPolicySpec, size: number): InferenceModel {
  const network = new Network(spaces, policy);
  return {
    bytes: network.inferenceModel(size),
    observationInputs: Object.fromEntries(Object.keys(spaces.observations).map((name) => [name, `observation.${name}`])),
    parameters: network.parameters.map(({ name, shape }) => ({ name, shape, input: `parameter.${name}` })),
    state: network.stateSize === 0 ? null : { input: 'state', output: 'state_next', size: network.stateSize },
    valueCount: network.valueCount,
    outputs: { distribution: 'distribution', value: 'value' },
  };
}
