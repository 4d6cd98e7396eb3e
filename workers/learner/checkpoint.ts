/** Checkpoints: all that the next step depends on, and the policy as a model that any ONNX runtime runs. */
import { LaurelError } from '../../proto/errors.js';
import type { Job } from '../../proto/job.js';
import { layout } from '../store/layout.js';
import { canonicalJson, writeWhole } from '../store/artifacts.js';
import type { ObjectStore } from '../store/object-store.js';
import { isSealed, seal, UNSEALED } from '../store/seal.js';
import { Graph } from './graph/graph.js';
import type { Network } from './networks/network.js';
import { Scope } from './networks/scope.js';
import { decodeSafeTensors, encodeSafeTensors, type NamedTensor } from './safetensors.js';
import type { TrainerState } from './loss-session.js';
import type { Trainee } from './trainee.js';

/** 2: holds its own digest. Checkpoints of format 1, which have none, are read too. */
const FORMAT = '2';
const FORMATS = ['1', FORMAT];
const KINDS = ['parameters', 'first', 'second'] as const;

export function encodeCheckpoint(network: Pick<Network, 'parameters'>, state: TrainerState, version: number): Uint8Array {
  const tensors: Record<string, NamedTensor> = {};
  for (const { name, shape } of network.parameters) {
    for (const kind of KINDS) tensors[`${kind}.${name}`] = { shape, data: state[kind][name] as Float32Array };
  }
  return seal(encodeSafeTensors({ tensors, metadata: { digest: UNSEALED, format: FORMAT, step: String(state.step), version: String(version) } }));
}

/** @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_MODEL_INVALID, LAUREL_SCHEMA_MISMATCH */
export function decodeCheckpoint(network: Pick<Network, 'parameters'>, bytes: Uint8Array): TrainerState {
  const { tensors, metadata } = decodeSafeTensors(bytes);
  if (metadata['format'] !== '1' && !isSealed(bytes, metadata['digest'])) {
    throw new LaurelError('LAUREL_STORE_CORRUPT', `expected a checkpoint that has the digest it holds (${metadata['digest'] ?? 'none'}), found another`, {});
  }
  if (!FORMATS.includes(metadata['format'] ?? '')) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected a checkpoint of format ${FORMAT}, got ${metadata['format'] ?? 'none'}`);
  const read = (kind: (typeof KINDS)[number]): Record<string, Float32Array> =>
    Object.fromEntries(
      network.parameters.map(({ name, shape }) => {
        const tensor = tensors[`${kind}.${name}`];
        if (tensor?.shape.join() !== shape.join()) throw new LaurelError('LAUREL_MODEL_INVALID', `expected ${kind}.${name} of shape [${shape.join()}] in the checkpoint, got ${tensor ? `[${tensor.shape.join()}]` : 'none'}`);
        return [name, tensor.data];
      }),
    );
  return { step: Number(metadata['step']), parameters: read('parameters'), first: read('first'), second: read('second') };
}

/**
 * The policy as a model with its parameters inside, for one environment (batch 1). Its metadata says what goes in and
 * comes out: observations as the environment gives them (all scaling is in the graph), recurrent state (zeros where an
 * episode begins), the distribution of the action, the value.
 */
export function exportPolicy(network: Network, state: TrainerState, job: Job, version: number): Uint8Array {
  const graph = new Graph('policy');
  const outputs = network.inferenceOutputs(graph, new Scope(graph, state.parameters), 1);
  for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor);
  const metadata = {
    'laurel.version': String(version),
    'laurel.environment': canonicalJson(job.environment),
    'laurel.spaces': JSON.stringify(network.spaces),
    'laurel.inputs': JSON.stringify({
      ...Object.fromEntries(Object.keys(network.spaces.observations).map((name) => [`observation.${name}`, 'as the environment gives it; scaling is part of the graph'])),
      ...(network.stateSize > 0 ? { state: 'memory: zeros at the first step of an episode, then state_next' } : {}),
    }),
    'laurel.outputs': JSON.stringify({
      distribution: network.spaces.action.kind === 'discrete' ? 'logits of the actions' : 'means, then logarithms of deviations',
      value: 'expected discounted return',
      ...(network.stateSize > 0 ? { state_next: 'memory for the next step' } : {}),
    }),
    'laurel.actions': JSON.stringify(network.spaces.action),
  };
  return graph.build({ metadata, doc: 'A policy trained by Laurel.' });
}

/** Writes both files of a checkpoint. @param stands whether files of that name with other bytes are to be kept */
export async function storeCheckpoint(store: ObjectStore, run: string, trainee: Trainee, state: TrainerState, version: number, stands: () => boolean | Promise<boolean> = () => true): Promise<void> {
  for (const { key, bytes } of checkpointFiles(run, trainee, state, version)) await writeWhole(store, key, bytes, { schemaVersion: 1 }, stands);
}

/** The files of a checkpoint in the order in which they are written; the parameters last, because they are what recovery looks for. */
export function checkpointFiles(run: string, trainee: Trainee, state: TrainerState, version: number): { readonly key: string; readonly bytes: Uint8Array }[] {
  return [
    { key: layout.checkpointPolicy(run, version), bytes: trainee.exportPolicy(state, version) },
    { key: layout.checkpoint(run, version), bytes: encodeCheckpoint(trainee, state, version) },
  ];
}
