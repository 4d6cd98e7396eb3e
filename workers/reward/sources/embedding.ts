/** Source `embedding`: how like a unit is to a goal. */
import { LaurelError } from '../../../proto/errors.js';
import type { EmbeddingSource } from '../../../proto/reward-embedding.js';
import { REWARD_STATUS } from '../../../proto/schemas.js';
import { featuresOf } from '../features.js';
import { projected } from '../goal-projection.js';
import { cosine, WordVectors } from '../models/bag-of-words.js';
import { UserModel } from '../models/user-model.js';
import { knownColumn } from '../reward-column.js';
import { asText } from '../rules/text-rule.js';
import { readingOf, UnitView } from '../rules/unit-view.js';
import type { UnitLevel } from '../units.js';
import { bytesOf } from './onnx.js';
import type { CompiledSource, SourceContext } from './source.js';

type Vector = Float64Array;

/** Vectors kept; beyond them all are forgotten, which costs time and changes nothing. */
const KEPT_MAX = 20_000;

/** What an encoder made: of each unit, and of the places that are texts. */
interface Encoded {
  readonly states: readonly (Vector | undefined)[];
  readonly goals: readonly (Vector | undefined)[];
  readonly baselines: readonly (Vector | undefined)[];
}

/** A unit without a text has nothing to compare: a known 0. */
export function compileEmbeddingSource(name: string, spec: EmbeddingSource): CompiledSource {
  const { encoder } = spec;
  const features = featuresOf(spec.of, spec.dimensions);
  const goalOf = placeOf(spec.goal, spec.dimensions);
  const baselineOf = spec.baseline === null ? null : placeOf(spec.baseline, spec.dimensions);
  let model: Promise<Encoder> | undefined;
  return {
    masked: true,
    numbers: features.numbers,
    ...(encoder === null
      ? {}
      : {
          async prepare(level: UnitLevel, { file }: SourceContext, { signal }: { readonly signal?: AbortSignal | undefined }): Promise<Encoded> {
            if (!file) throw new LaurelError('LAUREL_INVARIANT_VIOLATED', `expected the encoder of the source ${name}`);
            model ??= Encoder.open(file, spec.of, encoder);
            model.catch(() => (model = undefined));
            return encodedOf(spec, level, await model, signal);
          },
        }),
    evaluate(level, { prepared }) {
      const encoded = encoder === null ? undefined : (prepared as Encoded);
      const column = knownColumn(level.units);
      for (let unit = 0; unit < level.units; unit++) {
        if (spec.of === 'text' && (level.textIndex[unit] as number) < 0) continue;
        const view = new UnitView(level, unit);
        const [state, goal, baseline] = encoded ? [encoded.states[unit], encoded.goals[unit], encoded.baselines[unit]] : [features.of(level, unit), goalOf(view), baselineOf?.(view)];
        if (!state || state.length !== goal?.length || (baselineOf !== null && baseline?.length !== state.length)) {
          column.mask[unit] = 0;
          column.confidence[unit] = 0;
          column.status[unit] = REWARD_STATUS.error;
          continue;
        }
        const value = spec.form === 'cosine' ? cosine(state, goal) : projected(state, goal, baseline, spec.alpha);
        column.value[unit] = spec.threshold === null || value > spec.threshold ? value : 0;
      }
      return column;
    },
  };
}

/** Vectors of rows by a model file. The same row is asked once. */
class Encoder {
  private readonly known = new Map<string, Vector>();

  private constructor(
    private readonly model: UserModel,
    private readonly input: string,
  ) {}

  static async open(bytes: Uint8Array, of: string, { file, input, output, providers }: NonNullable<EmbeddingSource['encoder']>): Promise<Encoder> {
    return new Encoder(await UserModel.open(bytes, { file, inputs: { [input]: of }, output, providers, golden: [], tolerance: 1e-4, width: null }), input);
  }

  async text(text: string): Promise<Vector> {
    return this.row(bytesOf(text, this.model.widthOf(this.input)) as number[]);
  }

  async row(row: readonly number[]): Promise<Vector> {
    const key = row.join();
    let vector = this.known.get(key);
    if (!vector) {
      if (this.known.size >= KEPT_MAX) this.known.clear();
      this.known.set(key, (vector = Float64Array.from(await this.model.run({ [this.input]: row }))));
    }
    return vector;
  }
}

async function encodedOf(spec: EmbeddingSource, level: UnitLevel, encoder: Encoder, signal?: AbortSignal): Promise<Encoded> {
  const place = async (wanted: EmbeddingSource['goal'] | null, view: UnitView): Promise<Vector | undefined> => {
    if (wanted === null) return undefined;
    if (Array.isArray(wanted)) return Float64Array.from(wanted);
    const text = typeof wanted === 'string' ? wanted : view.read(readingOf(wanted.path));
    return text === undefined ? undefined : encoder.text(asText(text));
  };
  const made: { states: (Vector | undefined)[]; goals: (Vector | undefined)[]; baselines: (Vector | undefined)[] } = { states: [], goals: [], baselines: [] };
  for (let unit = 0; unit < level.units; unit++) {
    signal?.throwIfAborted();
    const view = new UnitView(level, unit);
    const own = spec.of === 'text' ? view.text : view.numbers(spec.of);
    made.states.push(own === undefined ? undefined : typeof own === 'string' ? await encoder.text(own) : await encoder.row(own));
    made.goals.push(await place(spec.goal, view));
    made.baselines.push(await place(spec.baseline, view));
  }
  return made;
}

function placeOf(place: EmbeddingSource['goal'], dimensions: number): (unit: UnitView) => Vector | undefined {
  if (Array.isArray(place)) {
    const fixed = Float64Array.from(place);
    return () => fixed;
  }
  const words = new WordVectors(dimensions);
  if (typeof place === 'string') {
    const fixed = words.sum(place);
    return () => fixed;
  }
  const reading = readingOf(place.path);
  return (unit) => {
    const value = unit.read(reading);
    return value === undefined ? undefined : words.sum(asText(value));
  };
}
