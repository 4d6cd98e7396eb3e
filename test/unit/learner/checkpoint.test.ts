import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { resolveJob } from '../../../proto/resolve.js';
import { decodeCheckpoint, encodeCheckpoint, exportPolicy } from '../../../workers/learner/checkpoint.js';
import { Network } from '../../../workers/learner/networks/network.js';
import { decodeSafeTensors, encodeSafeTensors } from '../../../workers/learner/safetensors.js';
import { initialTrainerState } from '../../../workers/learner/stepper.js';
import { environmentSpaces } from '../../../workers/rollout/environments/registry.js';
import { SMALL_JOB } from '../../support/small-run.js';
import { networkPolicyOf } from '../../../proto/learning.js';

const job = resolveJob(SMALL_JOB);
const network = new Network(await environmentSpaces(job.environment), networkPolicyOf(job.policy));
const state = { ...initialTrainerState(network, 3), step: 12 };

describe('a checkpoint', () => {
  it('gives back every parameter and moment, and the same bytes for the same state', () => {
    const bytes = encodeCheckpoint(network, state, 7);
    expect(decodeCheckpoint(network, bytes)).toEqual(state);
    expect(Buffer.compare(bytes, encodeCheckpoint(network, { ...state }, 7))).toBe(0);
  });

  it('is a safetensors file: a header of 8 + n bytes, then the tensors in the order of their offsets', () => {
    // By hand from the format: 8 bytes of length, JSON padded with spaces to 8 bytes, f32 little endian.
    const bytes = encodeSafeTensors({ tensors: { b: { shape: [2], data: Float32Array.of(1, -2) }, a: { shape: [], data: Float32Array.of(0.5) } }, metadata: { k: 'v' } });
    const header = '{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}';
    const padded = header.padEnd(Math.ceil(header.length / 8) * 8, ' ');
    const data = '0000003f' + '0000803f' + '000000c0';
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(padded.length));
    expect(Buffer.from(bytes).toString('hex')).toBe(length.toString('hex') + Buffer.from(padded).toString('hex') + data);
  });

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
    ['cut within its header', (bytes: Buffer) => bytes.subarray(0, 20)],
    ['empty', () => Buffer.alloc(0)],
    ['without JSON in its header', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 8), Buffer.from('x'), bytes.subarray(9)])],
  ])('is refused when it is %s', (_what, damage) => {
    const bytes = Buffer.from(encodeCheckpoint(network, state, 7));
    expect(() => decodeSafeTensors(damage(bytes))).toThrow(expect.objectContaining({ code: 'LAUREL_STORE_CORRUPT' }) as Error);
  });

  it('of another network is refused by the name of the first tensor that differs', () => {
    const other = new Network(network.spaces, { ...networkPolicyOf(job.policy), preset: 'small' });
    expect(() => decodeCheckpoint(other, encodeCheckpoint(network, state, 7))).toThrow(expect.objectContaining({ code: 'LAUREL_MODEL_INVALID', message: expect.stringContaining('view.embedding') as string }) as Error);
  });
});

describe('policy.onnx', () => {
  it.each([null, { game: { sources: ['game'] }, words: { sources: ['words'], discount: 0.5 } }])('runs in any ONNX runtime and gives what the acting policy gives (value heads %j)', async (valueHeads) => {
    const own = resolveJob({ ...SMALL_JOB, policy: { preset: 'tiny', valueHeads } });
    const net = new Network(network.spaces, networkPolicyOf(own.policy));
    const parameters = net.initialParameters(3);
    const exported = exportPolicy(net, { ...initialTrainerState(net, 3), parameters }, own, 9);
    const observations = Object.fromEntries(
      Object.entries(net.spaces.observations).map(([name, { type, shape }]) => {
        const count = shape.reduce((product, size) => product * size, 1);
        const data = type === 'float32' ? Float32Array.from({ length: count }, (_, index) => index / count) : Uint8Array.from({ length: count }, (_, index) => index % 5);
        return [`observation.${name}`, new Tensor(type, data as never, [1, ...shape])];
      }),
    );
    const feeds = { ...observations, state: new Tensor('float32', new Float32Array(net.stateSize).fill(0.1), [1, net.stateSize]) };
    const alone = await InferenceSession.create(exported);
    expect([...alone.inputNames].sort()).toEqual(Object.keys(feeds).sort());
    const got = await alone.run(feeds);
    const acting = await InferenceSession.create(net.inferenceModel(1));
    const weights = Object.fromEntries(net.parameters.map(({ name, shape }) => [`parameter.${name}`, new Tensor('float32', parameters[name]!, [...shape])]));
    const wanted = await acting.run({ ...feeds, ...weights });
    for (const name of ['distribution', 'value', 'state_next']) {
      const [a, b] = [got[name]!, wanted[name]!];
      expect(a.dims).toEqual(b.dims);
      (b.data as Float32Array).forEach((value, index) => expect((a.data as Float32Array)[index], name).toBeCloseTo(value, 5));
    }
    expect(wanted['value']!.dims).toEqual(valueHeads === null ? [1] : [1, 2]);
    await Promise.all([alone.release(), acting.release()]);
    const text = Buffer.from(exported).toString('latin1');
    for (const key of ['laurel.version', 'laurel.spaces', 'laurel.inputs', 'laurel.outputs', 'laurel.actions']) expect(text).toContain(key);
  });
});
