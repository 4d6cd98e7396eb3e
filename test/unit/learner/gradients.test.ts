/** Every operation's gradient against central finite differences, run in onnxruntime. */
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { CounterRandom } from '../../../proto/philox.js';
import { Graph, sizeOf, type Tensor } from '../../../workers/learner/graph/graph.js';
import * as op from '../../../workers/learner/graph/ops.js';

interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly build: (g: Graph, inputs: readonly Tensor[]) => Tensor;
  /** Makes the inputs positive, for log, sqrt and div. */
  readonly positive?: boolean;
}

const ids = (g: Graph, values: readonly number[], shape: readonly number[]): Tensor => g.constant(BigInt64Array.from(values, BigInt), shape);

const CASES: readonly Case[] = [
  { name: 'add with broadcast', shapes: [[3, 4], [4]], build: (g, [a, b]) => op.add(g, a!, b!) },
  { name: 'sub with broadcast', shapes: [[3, 1], [3, 4]], build: (g, [a, b]) => op.sub(g, a!, b!) },
  { name: 'mul with broadcast', shapes: [[2, 3], [1, 3]], build: (g, [a, b]) => op.mul(g, a!, b!) },
  { name: 'mul of a tensor by itself', shapes: [[3]], build: (g, [a]) => op.mul(g, a!, a!) },
  { name: 'div with broadcast', shapes: [[2, 3], [3]], positive: true, build: (g, [a, b]) => op.div(g, a!, b!) },
  { name: 'neg', shapes: [[4]], build: (g, [a]) => op.neg(g, a!) },
  { name: 'exp', shapes: [[4]], build: (g, [a]) => op.exp(g, a!) },
  { name: 'log', shapes: [[4]], positive: true, build: (g, [a]) => op.log(g, a!) },
  { name: 'sqrt', shapes: [[4]], positive: true, build: (g, [a]) => op.sqrt(g, a!) },
  { name: 'tanh', shapes: [[4]], build: (g, [a]) => op.tanh(g, a!) },
  { name: 'sigmoid', shapes: [[4]], build: (g, [a]) => op.sigmoid(g, a!) },
  { name: 'softplus', shapes: [[4]], build: (g, [a]) => op.softplus(g, a!) },
  { name: 'relu', shapes: [[5]], build: (g, [a]) => op.relu(g, a!) },
  { name: 'minimum', shapes: [[5], [5]], build: (g, [a, b]) => op.minimum(g, a!, b!) },
  { name: 'maximum with broadcast', shapes: [[2, 5], [5]], build: (g, [a, b]) => op.maximum(g, a!, b!) },
  { name: 'clip', shapes: [[8]], build: (g, [a]) => op.clip(g, a!, -0.5, 0.4) },
  { name: 'choose', shapes: [[4], [4]], build: (g, [a, b]) => op.choose(g, g.constant(Float32Array.of(1, 0, 0, 1), [4]), a!, b!) },
  { name: 'reduceSum over an axis', shapes: [[2, 3, 2]], build: (g, [a]) => op.reduceSum(g, a!, [1]) },
  { name: 'mean of all', shapes: [[2, 3]], build: (g, [a]) => op.mean(g, a!) },
  { name: 'mean with kept axis', shapes: [[2, 3]], build: (g, [a]) => op.mean(g, a!, [1], true) },
  { name: 'expand', shapes: [[2, 1]], build: (g, [a]) => op.expand(g, a!, [3, 2, 4]) },
  { name: 'reshape', shapes: [[2, 3]], build: (g, [a]) => op.reshape(g, a!, [3, 2]) },
  { name: 'transpose', shapes: [[2, 3, 4]], build: (g, [a]) => op.transpose(g, a!, [2, 0, 1]) },
  { name: 'concat', shapes: [[2, 3], [2, 1]], build: (g, [a, b]) => op.concat(g, [a!, b!], 1) },
  { name: 'slice', shapes: [[4, 3]], build: (g, [a]) => op.slice(g, a!, 0, 1, 3) },
  { name: 'pad', shapes: [[2, 2]], build: (g, [a]) => op.pad(g, a!, [1, 0, 0, 2]) },
  ...[0, 1, 2, 3].map((bits): Case => ({
    name: `matmul, transposed ${bits & 1 ? 'a' : '-'}${bits & 2 ? 'b' : '-'}`,
    shapes: [bits & 1 ? [3, 2] : [2, 3], bits & 2 ? [4, 3] : [3, 4]],
    build: (g, [a, b]) => op.matmul(g, a!, b!, (bits & 1) === 1, (bits & 2) === 2),
  })),
  { name: 'linear with bias', shapes: [[2, 3], [3, 4], [4]], build: (g, [x, w, b]) => op.linear(g, x!, w!, b!) },
  { name: 'embedding with repeated ids', shapes: [[5, 3]], build: (g, [table]) => op.embedding(g, table!, ids(g, [1, 4, 1, 0, 1, 4], [2, 3])) },
  { name: 'pick', shapes: [[3, 4]], build: (g, [x]) => op.pick(g, x!, ids(g, [3, 0, 2], [3])) },
  { name: 'logSoftmax', shapes: [[3, 4]], build: (g, [x]) => op.logSoftmax(g, x!) },
  { name: 'softmax', shapes: [[3, 4]], build: (g, [x]) => op.softmax(g, x!) },
  { name: 'elu', shapes: [[6]], build: (g, [x]) => op.elu(g, x!) },
  { name: 'erf', shapes: [[4]], build: (g, [x]) => op.erf(g, x!) },
  { name: 'gelu', shapes: [[4]], build: (g, [x]) => op.gelu(g, x!) },
  { name: 'silu', shapes: [[4]], build: (g, [a]) => op.silu(g, a!) },
  { name: 'rmsNorm', shapes: [[3, 5], [5]], build: (g, [x, scale]) => op.rmsNorm(g, x!, scale!) },
  { name: 'rotate', shapes: [[2, 2, 3, 4]], build: (g, [x]) => op.rotate(g, x!, ids(g, [0, 1, 2, 4, 2, 7], [2, 3]), 8) },
  { name: 'square', shapes: [[4]], build: (g, [x]) => op.square(g, x!) },
  { name: 'absolute', shapes: [[5]], build: (g, [x]) => op.absolute(g, x!) },
  { name: 'where with broadcast', shapes: [[2, 3], [3]], build: (g, [a, b]) => op.where(g, op.compare(g, 'Greater', g.constant(Float32Array.of(1, -1, 1, -1, 1, -1), [2, 3]), g.scalar(0)), a!, b!) },
  { name: 'split, one part unused', shapes: [[2, 6]], build: (g, [x]) => { const [a, , c] = op.split(g, x!, 1, [2, 1, 3]); return op.concat(g, [a!, op.mul(g, c!, c!)], 1); } },
  { name: 'slice in steps of two', shapes: [[7, 2]], build: (g, [x]) => op.slice(g, x!, 0, 1, 6, 2) },
  { name: 'slice in steps of three to the end', shapes: [[2, 8]], build: (g, [x]) => op.slice(g, x!, 1, 0, 8, 3) },
  { name: 'layerNorm', shapes: [[3, 5], [5], [5]], build: (g, [x, scale, bias]) => op.layerNorm(g, x!, scale!, bias!) },
  ...[0, 1, 2, 3].map((bits): Case => ({
    name: `batchMatmul, transposed ${bits & 1 ? 'a' : '-'}${bits & 2 ? 'b' : '-'}`,
    shapes: [bits & 1 ? [2, 3, 2] : [2, 2, 3], bits & 2 ? [2, 4, 3] : [2, 3, 4]],
    build: (g, [a, b]) => op.batchMatmul(g, a!, b!, (bits & 1) === 1, (bits & 2) === 2),
  })),
  { name: 'conv2d', shapes: [[2, 2, 4, 5], [3, 2, 3, 3], [3]], build: (g, [x, w, b]) => op.conv2d(g, x!, w!, b!) },
  { name: 'conv2d with padding', shapes: [[2, 2, 4, 3], [3, 2, 3, 3], [3]], build: (g, [x, w, b]) => op.conv2d(g, x!, w!, b!, { padding: 1 }) },
  { name: 'conv2d with padding larger than the kernel', shapes: [[1, 1, 3, 3], [2, 1, 2, 2]], build: (g, [x, w]) => op.conv2d(g, x!, w!, undefined, { padding: 2 }) },
  { name: 'conv2d in strides of two that leave a rest', shapes: [[2, 2, 6, 7], [2, 2, 3, 3], [2]], build: (g, [x, w, b]) => op.conv2d(g, x!, w!, b!, { stride: 2 }) },
  { name: 'conv2d in strides of two with padding', shapes: [[1, 2, 5, 6], [2, 2, 3, 3], [2]], build: (g, [x, w, b]) => op.conv2d(g, x!, w!, b!, { stride: 2, padding: 1 }) },
  { name: 'conv2d in strides larger than the kernel', shapes: [[1, 1, 7, 7], [2, 1, 2, 2]], build: (g, [x, w]) => op.conv2d(g, x!, w!, undefined, { stride: 3 }) },
  { name: 'conv2d of one row', shapes: [[2, 2, 1, 6], [2, 2, 1, 3]], build: (g, [x, w]) => op.conv2d(g, x!, w!, undefined, { stride: 2 }) },
  { name: 'conv1d in strides of two', shapes: [[2, 3, 9], [2, 3, 4], [2]], build: (g, [x, w, b]) => op.conv1d(g, x!, w!, b!, { stride: 2, padding: 1 }) },
  { name: 'two convolutions, one on the other', shapes: [[2, 1, 6, 6], [2, 1, 3, 3], [2, 2, 3, 3]], build: (g, [x, v, w]) => op.conv2d(g, op.tanh(g, op.conv2d(g, x!, v!, undefined, { padding: 1 })), w!, undefined, { stride: 2 }) },
  ...(['gru', 'lstm'] as const).map((cell): Case => {
    const gates = cell === 'gru' ? 3 : 4;
    return {
      name: `${cell} over three steps with an episode that begins within`,
      shapes: [[6, 2 * gates], [2, 2 * gates], [2 * gates], [2, cell === 'gru' ? 2 : 4]],
      build: (g, [projected, weight, bias, state]) => {
        const { outputs, state: last } = op[cell](g, { projected: projected!, weight: weight!, bias: bias!, state: state!, keep: g.constant(Float32Array.of(1, 0, 1, 1, 0, 1), [3, 2]), steps: 3 });
        return op.concat(g, [outputs, op.splitEvenly(g, last, 1, cell === 'gru' ? 1 : 2).at(-1)!], 0);
      },
    };
  }),
  { name: 'a chain that uses one tensor in three places', shapes: [[3, 3]], build: (g, [x]) => op.add(g, op.mul(g, op.tanh(g, x!), x!), op.matmul(g, x!, x!)) },
];

function values(shape: readonly number[], stream: number, positive: boolean): Float32Array {
  const random = new CounterRandom(11, 'test');
  return Float32Array.from({ length: sizeOf(shape) }, (_, index) => (positive ? 0.5 + random.uniform(index, stream) : random.normal(index, stream)));
}

async function evaluate(bytes: Uint8Array, feeds: Record<string, OrtTensor>): Promise<Record<string, Float32Array>> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const results = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, (tensor as OrtTensor).data as Float32Array]));
}

describe('gradients', () => {
  it.each(CASES)('of $name agree with finite differences', async ({ shapes, build, positive = false }) => {
    const g = new Graph('case');
    const inputs = shapes.map((shape, index) => g.parameter(`x${index}`, shape));
    const result = build(g, inputs);
    const weights = values(result.shape, 99, false);
    const loss = op.reduceSum(g, op.mul(g, result, g.constant(weights, result.shape)));
    g.output('loss', loss);
    g.gradients(loss, inputs).forEach((gradient, index) => g.output(`g${index}`, gradient));
    const bytes = g.build();
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    const data = shapes.map((shape, index) => values(shape, index, positive));
    const run = async (): Promise<Record<string, OrtTensor>> => (await session.run(Object.fromEntries(data.map((one, index) => [`x${index}`, new OrtTensor('float32', one, [...(shapes[index] as number[])])])))) as Record<string, OrtTensor>;
    const analytic = await run();
    const h = 1e-2;
    for (const [index, one] of data.entries()) {
      const gradient = (analytic[`g${index}`] as OrtTensor).data as Float32Array;
      for (let element = 0; element < one.length; element++) {
        const before = one[element] as number;
        one[element] = before + h;
        const above = ((await run())['loss'] as OrtTensor).data[0] as number;
        one[element] = before - h;
        const below = ((await run())['loss'] as OrtTensor).data[0] as number;
        one[element] = before;
        const numeric = (above - below) / (2 * h);
        expect(Math.abs(numeric - (gradient[element] as number))).toBeLessThan(2e-3 * Math.max(1, Math.abs(numeric)) + 1e-3);
      }
    }
    await session.release();
  });

  it('do not pass a stop, also where the same operation exists without one', async () => {
    const g = new Graph('case');
    const x = g.parameter('x', [2]);
    const loss = op.reduceSum(g, op.mul(g, op.exp(g, x), op.exp(g, g.stop(x))));
    g.output('gradient', g.gradients(loss, [x])[0]!);
    const { gradient } = await evaluate(g.build(), { x: new OrtTensor('float32', Float32Array.of(0, 1), [2]) });
    // d/dx e^x * stop(e^x) = e^2x; without the stop it were twice that.
    expect(gradient![0]).toBeCloseTo(1, 5);
    expect(gradient![1]).toBeCloseTo(Math.exp(2), 4);
  });
});
