/** What an autoregressive transformer is made of: all sizes are data. */
import { LaurelError } from '../../../proto/errors.js';

export interface TransformerSpec {
  /** Token ids are 0 .. vocabulary - 1. */
  readonly vocabulary: number;
  /** Tokens of a sequence at most, prompt included. */
  readonly context: number;
  readonly layers: number;
  /** Numbers for each token between the layers. */
  readonly width: number;
  /** Attention heads; they share the width equally. */
  readonly heads: number;
  /** Hidden width of the feed-forward part. */
  readonly feedForward: number;
  readonly position: 'rotary' | 'learned';
  /** Layer norm (arXiv 1607.06450) or root mean square norm (arXiv 1910.07467), before each part. */
  readonly norm: 'layer' | 'rms';
  readonly activation: 'gelu' | 'swiglu';
  /** Whether the projections add a vector. */
  readonly bias: boolean;
  /** Whether the output uses the embedding's table. */
  readonly tied: boolean;
}

export type TransformerPreset = 'tiny' | 'small' | 'medium';

const SIZES: Readonly<Record<TransformerPreset, Pick<TransformerSpec, 'layers' | 'width' | 'heads' | 'feedForward'>>> = {
  tiny: { layers: 2, width: 64, heads: 4, feedForward: 256 },
  small: { layers: 2, width: 128, heads: 4, feedForward: 512 },
  medium: { layers: 4, width: 256, heads: 8, feedForward: 1024 },
};

export function transformerSpec(preset: TransformerPreset, vocabulary: number, context: number, changes: Partial<TransformerSpec> = {}): TransformerSpec {
  return { vocabulary, context, ...SIZES[preset], position: 'rotary', norm: 'rms', activation: 'gelu', bias: false, tied: true, ...changes };
}

/** Numbers of one head. */
export function headWidth({ width, heads }: TransformerSpec): number {
  return width / heads;
}

/** @throws LaurelError LAUREL_JOB_INVALID */
export function checkTransformerSpec(spec: TransformerSpec): void {
  for (const name of ['vocabulary', 'context', 'layers', 'width', 'heads', 'feedForward'] as const) {
    if (!Number.isInteger(spec[name]) || spec[name] < 1) throw new LaurelError('LAUREL_JOB_INVALID', `expected a whole number of at least 1 as ${name} of the transformer, got ${spec[name]}`);
  }
  if (!Number.isInteger(headWidth(spec))) throw new LaurelError('LAUREL_JOB_INVALID', `expected a width that ${spec.heads} heads can share, got ${spec.width}; use a multiple of ${spec.heads}`);
  if (spec.position === 'rotary' && headWidth(spec) % 2 !== 0) throw new LaurelError('LAUREL_JOB_INVALID', `expected an even number per head for rotary positions, got ${headWidth(spec)}; change width or heads`);
}
