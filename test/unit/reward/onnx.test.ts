import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkPrograms, withDigests } from '../../../infra/cli/user-files.js';
import { resolveJob } from '../../../proto/resolve.js';
import { sourceSchema } from '../../../proto/reward-sources.js';
import type { OnnxSource } from '../../../proto/reward-onnx.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { Graph } from '../../../workers/learner/graph/graph.js';
import * as op from '../../../workers/learner/graph/ops.js';
import type { RewardColumn } from '../../../workers/reward/reward-column.js';
import { sharedIsolate } from '../../../workers/reward/programs/isolate-client.js';
import { compileSource } from '../../../workers/reward/sources/registry.js';
import { UserFiles } from '../../../workers/reward/user-files.js';
import type { UnitLevel } from '../../../workers/reward/units.js';
import { digestOf } from '../../../workers/store/artifacts.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import { completions, steps } from './level.js';

/** `place` f32 [1, 2] to `reward`: its sum and product, f32 [1, 2]. */
function placeModel(): Uint8Array {
  const g = new Graph('place');
  const place = g.input('place', [1, 2]);
  const [x, y] = [op.slice(g, place, 1, 0, 1), op.slice(g, place, 1, 1, 2)];
  g.output('reward', op.concat(g, [op.add(g, x, y), op.mul(g, x, y)], 1));
  return g.build({});
}

/** `message` u8 [1, 8] to `score`: the sum of its bytes. */
function textModel(): Uint8Array {
  const g = new Graph('text');
  g.output('score', op.reduceSum(g, op.cast(g, g.input('message', [1, 8], 'uint8'), 'float32'), [1]));
  return g.build({});
}

let folder: string;
let store: LocalStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'laurel-onnx-'));
  store = new LocalStore(join(folder, 'store'));
  await writeFile(join(folder, 'place.onnx'), placeModel());
  await writeFile(join(folder, 'text.onnx'), textModel());
});
afterAll(async () => {
  await sharedIsolate().close();
  await rm(folder, { recursive: true });
});

const spec = (overrides: Record<string, unknown> = {}): OnnxSource =>
  sourceSchema.parse({ kind: 'onnx', file: { path: join(folder, 'place.onnx'), digest: digestOf(placeModel()) }, inputs: { place: 'observation.position' }, output: 'reward', elements: ['sum', 'product'], ...overrides }) as OnnxSource;

async function columnsOf(source: OnnxSource, level: UnitLevel): Promise<readonly RewardColumn[]> {
  const compiled = compileSource('mine', source);
  const prepared = await compiled.prepare?.(level, { file: await new UserFiles(store).read(source.file) }, {});
  const result = compiled.evaluate(level, { prepared });
  return Array.isArray(result) ? (result as readonly RewardColumn[]) : [result as RewardColumn];
}

describe('a model file of a user', () => {
  it('gives its outputs for the numbers of a unit', async () => {
    const [sum, product] = await columnsOf(spec(), steps([{ observation: [2, 3] }, { observation: [-1, 0.5] }, { observation: [2, 3] }]));
    expect([...(sum as RewardColumn).value]).toEqual([5, -0.5, 5]);
    expect([...(product as RewardColumn).value]).toEqual([6, -0.5, 6]);
  });

  it('reads texts as bytes, and knows nothing where there is no number', async () => {
    const source = sourceSchema.parse({ kind: 'onnx', file: { path: join(folder, 'text.onnx'), digest: digestOf(textModel()) }, inputs: { message: 'text' }, output: 'score' }) as OnnxSource;
    const [score] = await columnsOf(source, completions([{ text: 'AB' }, { text: '' }, { text: 'é' }]));
    expect([...(score as RewardColumn).value]).toEqual([131, 0, 0xc3 + 0xa9]);
    const [missing] = await columnsOf(spec(), steps([{ text: 'x' }]));
    expect([...(missing as RewardColumn).mask]).toEqual([0]);
    expect([...(missing as RewardColumn).status]).toEqual([REWARD_STATUS.error]);
    const [overflow] = await columnsOf(spec(), steps([{ observation: [3e38, 3e38] }, { observation: [1, 1] }]));
    expect([...(overflow as RewardColumn).mask]).toEqual([0, 1]);
  });

  it.each([
    [{ inputs: { state: 'observation.position' } }, 'to have the inputs state, it has place'],
    [{ output: 'value' }, 'to have the output value, it has reward'],
    [{ elements: null }, 'to have 1 numbers for a row, it has 2'],
    [{ golden: [{ inputs: { place: [2, 3] }, output: [5, 6.1] }] }, 'golden row 0: expected 6.1 in reward (place 1), got 6'],
    [{ golden: [{ inputs: { place: [2, 3, 4] }, output: [5, 6] }] }, 'expected a row of shape [2] for the input place, got 3 numbers'],
  ])('is refused where it is not what the job says: %j', async (overrides, message) => {
    await expect(columnsOf(spec(overrides), steps([{ observation: [1, 1] }]))).rejects.toMatchObject({ code: 'LAUREL_MODEL_INVALID', message: expect.stringContaining(message) as string });
  });

  it('passes a golden batch that is right, and says what a machine without CUDA can do about it', async () => {
    await columnsOf(spec({ golden: [{ inputs: { place: [2, 3] }, output: [5, 6] }], providers: 'cpu' }), steps([{ observation: [1, 1] }]));
    await expect(columnsOf(spec({ providers: 'cuda' }), steps([{ observation: [1, 1] }]))).rejects.toThrow('use "auto" or "cpu"');
  });
});

describe('an encoder of a user', () => {
  it('embeds units, and goals that are texts; numbers are embeddings already', async () => {
    const file = { path: join(folder, 'place.onnx'), digest: digestOf(placeModel()) };
    const source = sourceSchema.parse({ kind: 'embedding', of: 'observation.position', encoder: { file, input: 'place', output: 'reward' }, goal: [1, 0] });
    const level = steps([{ observation: [3, 1] }, { observation: [-1, 0] }]);
    const compiled = compileSource('near', source);
    const column = compiled.evaluate(level, { prepared: await compiled.prepare?.(level, { file: placeModel() }, {}) }) as RewardColumn;
    // (3, 1) is embedded as (4, 3), (-1, 0) as (-1, 0).
    expect(column.value[0]).toBeCloseTo(0.8, 6);
    expect(column.value[1]).toBeCloseTo(-1, 6);
    const texts = sourceSchema.parse({ kind: 'embedding', encoder: { file: { path: join(folder, 'text.onnx'), digest: digestOf(textModel()) }, input: 'message', output: 'score' }, goal: { path: 'truth' } });
    const said = compileSource('like', texts);
    const rows = completions([{ text: 'a', truth: 'b' }, { text: '', truth: 'b' }, { text: 'a' }]);
    const like = said.evaluate(rows, { prepared: await said.prepare?.(rows, { file: textModel() }, {}) }) as RewardColumn;
    // One number each, above 0 or 0: the cosine is 1, or 0 where there is no direction.
    expect([...like.value]).toEqual([1, 0, 0]);
    expect([...like.mask]).toEqual([1, 1, 0]);
  });
});

describe('files by content', () => {
  it('are read from the store once they are in it, whatever lies at their path later', async () => {
    const path = join(folder, 'moved.onnx');
    const bytes = new Uint8Array([1, 2, 3]);
    await writeFile(path, bytes);
    const file = { path, digest: digestOf(bytes) };
    const files = new UserFiles(store);
    expect([...(await files.read(file))]).toEqual([1, 2, 3]);
    await writeFile(path, new Uint8Array([9]));
    expect([...(await files.read(file))]).toEqual([1, 2, 3]);
    await expect(files.read({ path, digest: digestOf(new Uint8Array([4])) })).rejects.toMatchObject({ code: 'LAUREL_ASSET_CORRUPT' });
    await expect(files.read({ path: join(folder, 'none'), digest: digestOf(new Uint8Array([4])) })).rejects.toMatchObject({ code: 'LAUREL_ASSET_MISSING' });
  });

  it('get their digest when the job file is read; a job without one is refused', async () => {
    const job = (file: object) => ({ name: 'o', environment: { kind: 'grid-world' }, sources: { mine: { kind: 'onnx', file, inputs: { place: 'observation.position' }, output: 'reward', elements: ['a', 'b'] } }, combine: { op: 'linear', weights: {} }, stop: { versions: 1 } });
    expect(() => resolveJob(job({ path: 'place.onnx' }))).toThrow('sources.mine.file.digest');
    const filled = resolveJob(await withDigests(job({ path: 'place.onnx' }), folder)).sources['mine'] as OnnxSource;
    expect(filled.file).toEqual({ path: join(folder, 'place.onnx'), digest: digestOf(placeModel()) });
    await expect(withDigests(job({ path: 'nothing.onnx' }), folder)).rejects.toMatchObject({ code: 'LAUREL_ASSET_MISSING' });
  });

  it('programs are read before a job is submitted', async () => {
    const sources = (rule: unknown) => ({ r: sourceSchema.parse({ kind: 'rule', rule }) });
    await expect(checkPrograms({ sources: sources({ kind: 'javascript', program: 'function reward( {' }) })).rejects.toMatchObject({ code: 'LAUREL_PROGRAM_INVALID' });
    await expect(checkPrograms({ sources: sources({ kind: 'javascript', program: "import fs from 'fs'; function reward() {}" }) })).rejects.toMatchObject({ code: 'LAUREL_PROGRAM_REFUSED' });
    await expect(checkPrograms({ sources: sources({ kind: 'json-schema', schema: { $ref: 'http://127.0.0.1/x' } }) })).rejects.toMatchObject({ code: 'LAUREL_PROGRAM_INVALID' });
    await checkPrograms({ sources: sources({ kind: 'javascript', program: 'function reward(unit) { return unit.text.length }' }) });
  });
});
