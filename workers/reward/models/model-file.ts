/** A version of a reward model as an object of the store: an ONNX file whose metadata hold all that its scores need. */
import type { TrainedFitSpec } from '../../../proto/reward-fits.js';
import { LaurelError } from '../../../proto/errors.js';
import { decodeModel } from '../../learner/graph/decode.js';
import { canonicalJson } from '../../store/artifacts.js';
import type { Calibration } from './calibration.js';
import type { Moments } from '../../../proto/moments.js';
import type { Parameters, TextNetwork } from './text-network.js';

const KEY = 'laurel.reward_model';
const SCHEMA = 1;

/** From the number that the network gives to a reward. */
export type ModelHead =
  | { readonly kind: 'classification'; readonly calibration: Calibration; readonly threshold: number }
  | { readonly kind: 'ranking'; readonly moments: Moments; readonly standardise: boolean; readonly threshold: number };

export interface ModelBody {
  readonly annotator: string;
  readonly fit: string;
  readonly spec: TrainedFitSpec;
  readonly position: number;
  readonly labels: number;
  /** The version that this one went on from; null: it is the first. */
  readonly previous: number | null;
  readonly steps: number;
  readonly head: ModelHead;
  /** It may be used. */
  readonly ready: boolean;
  /** Position of the newest version up to this one that may be used. */
  readonly usable: number | null;
  /** Counts, and how it did on what was held out. */
  readonly metrics: Readonly<Record<string, number>>;
}

export function encodeRewardModel(network: TextNetwork, parameters: Parameters, body: ModelBody): Uint8Array {
  return network.export(parameters, { [KEY]: canonicalJson({ schema: SCHEMA, ...body }) });
}

/** @throws LaurelError LAUREL_MODEL_INVALID, LAUREL_SCHEMA_MISMATCH */
export function decodeRewardModel(bytes: Uint8Array, key: string): { readonly body: ModelBody; readonly parameters: Parameters } {
  const { metadata, initializers } = decodeModel(bytes);
  const text = metadata[KEY];
  if (text === undefined) throw new LaurelError('LAUREL_MODEL_INVALID', `expected ${KEY} in the metadata of ${key}, found ${Object.keys(metadata).join(', ') || 'none'}`, { key });
  const { schema, ...body } = JSON.parse(text) as ModelBody & { schema: number };
  if (schema !== SCHEMA) throw new LaurelError('LAUREL_SCHEMA_MISMATCH', `expected a reward model of schema ${SCHEMA} in ${key}, got ${schema}; read it with the version of Laurel that wrote it`, { key });
  return { body, parameters: initializers };
}
