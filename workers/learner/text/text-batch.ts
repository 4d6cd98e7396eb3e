/** From stored completions and rewards to the rows of one optimiser step: prompt and completion, padded behind. */
import { LaurelError } from '../../../proto/errors.js';
import { TOTAL } from '../../reward/graph.js';
import { componentOf, decodeRewards } from '../../reward/reward-record.js';
import { decodeCompletions } from '../../text/completions.js';
import type { SegmentBytes } from '../batch.js';
import { LENGTH_STEP } from './text-network.js';

/** Row-major, B rows of T tokens. Position t predicts the token that follows it. */
export interface TextRows {
  readonly rows: number;
  readonly length: number;
  readonly tokens: BigInt64Array;
  /** The token after each. */
  readonly targets: BigInt64Array;
  /** 1 where the target is a token of the completion. */
  readonly mask: Float32Array;
}

export interface TextBatch extends TextRows {
  readonly behaviourLogProb: Float32Array;
  /** Total reward of each row; NaN: unknown. */
  readonly rewards: readonly number[];
}

/** @param sequences prompt and completion of each row, as tokens */
export function textRows(sequences: readonly { readonly prompt: ArrayLike<number>; readonly completion: ArrayLike<number> }[]): TextRows {
  const rows = sequences.length;
  const longest = Math.max(...sequences.map(({ prompt, completion }) => prompt.length + completion.length)) - 1;
  const length = Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP;
  const tokens = new BigInt64Array(rows * length);
  const targets = new BigInt64Array(rows * length);
  const mask = new Float32Array(rows * length);
  sequences.forEach(({ prompt, completion }, row) => {
    const all = [...Array.from(prompt), ...Array.from(completion)];
    for (let at = 0; at + 1 < all.length; at++) {
      tokens[row * length + at] = BigInt(all[at] as number);
      targets[row * length + at] = BigInt(all[at + 1] as number);
      mask[row * length + at] = at + 1 >= prompt.length ? 1 : 0;
    }
  });
  return { rows, length, tokens, targets, mask };
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT */
export function assembleTextBatch(parts: readonly SegmentBytes[], rowsPerSegment: number): TextBatch {
  const sequences: { prompt: Int32Array; completion: Int32Array; logProbs: Float32Array }[] = [];
  const rewards: number[] = [];
  for (const part of parts) {
    const completions = decodeCompletions(part.segment);
    const decoded = decodeRewards(part.reward);
    if (completions.rows !== rowsPerSegment || decoded.units !== rowsPerSegment) {
      throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected ${rowsPerSegment} completions and as many rewards, got ${completions.rows} and ${decoded.units}`);
    }
    const total = componentOf(decoded, TOTAL);
    for (let row = 0; row < completions.rows; row++) {
      sequences.push({ prompt: completions.promptTokens.at(row), completion: completions.tokens.at(row), logProbs: completions.logProbs.at(row) });
      rewards.push(total.mask[row] === 1 ? (total.value[row] as number) : NaN);
    }
  }
  const rows = textRows(sequences);
  const behaviourLogProb = new Float32Array(rows.rows * rows.length);
  sequences.forEach(({ prompt, logProbs }, row) => behaviourLogProb.set(logProbs, row * rows.length + prompt.length - 1));
  return { ...rows, behaviourLogProb, rewards };
}
