/** Recorded runs of transformers in PyTorch, and the inputs they were made with. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import type { AdamSpec } from '../../../workers/learner/graph/adam.js';
import { sizeOf } from '../../../workers/learner/graph/graph.js';
import type { TransformerSpec } from '../../../workers/learner/transformer/specification.js';
import type { Transformer } from '../../../workers/learner/transformer/transformer.js';

export interface TransformerFixture {
  readonly spec: TransformerSpec;
  readonly adam: AdamSpec;
  readonly tokens: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
  readonly mask: readonly (readonly number[])[];
  readonly logits: readonly number[];
  readonly loss: number;
  readonly gradientNorm: number;
  readonly clippedGradients: Readonly<Record<string, readonly number[]>>;
  readonly next: Readonly<Record<string, readonly number[]>>;
}

export const TRANSFORMER_FIXTURES = ['rotary-rms-gelu-tied', 'rotary-rms-swiglu-untied', 'learned-layer-gelu-bias', 'learned-layer-swiglu-untied-bias'] as const;

export function readFixture<T>(path: string): T {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url)), 'utf8')) as T;
}

/** The weights of test/reference/transformer_reference.py. */
export function fixtureParameters(transformer: Transformer): Record<string, Float32Array> {
  return Object.fromEntries(
    transformer.parameters.map(({ name, shape }, k) => {
      const [scale, offset] = name.endsWith('.scale') ? [0.2, 1] : [0.4, 0];
      return [name, Float32Array.from({ length: sizeOf(shape) }, (_, i) => scale * Math.sin(1 + 0.7 * i + 13 * k) + offset)];
    }),
  );
}

export function integers(rows: readonly (readonly number[])[]): OrtTensor {
  return new OrtTensor('int64', BigInt64Array.from(rows.flat(), BigInt), [rows.length, (rows[0] as readonly number[]).length]);
}

export function numbers(rows: readonly (readonly number[])[]): OrtTensor {
  return new OrtTensor('float32', Float32Array.from(rows.flat()), [rows.length, (rows[0] as readonly number[]).length]);
}

/** Greatest absolute difference; infinite where the lengths differ. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let index = 0; index < a.length; index++) most = Math.max(most, Math.abs((a[index] as number) - (b[index] as number)));
  return most;
}
