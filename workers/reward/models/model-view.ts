/** A version of a reward model, ready to be asked about the messages of a segment. */
import type { RewardModelRef } from '../../../proto/references.js';
import type { ArtifactReader } from '../../store/artifact-reader.js';
import { decodeRewardModel, type ModelBody } from './model-file.js';
import { TextScores } from './text-scores.js';

export interface ModelView {
  readonly body: ModelBody;
  /** The network's number for a message of the segment at hand. */
  score(text: string): number;
}

interface OpenModel {
  readonly body: ModelBody;
  readonly scores: TextScores;
}

/** Versions held open; the least recently used goes first. */
const OPEN_MAX = 8;

export class RewardModelLoader {
  private readonly open = new Map<string, Promise<OpenModel>>();

  constructor(private readonly reader: ArtifactReader) {}

  /** @throws LaurelError LAUREL_STORE_*, LAUREL_MODEL_INVALID, LAUREL_SCHEMA_MISMATCH */
  async load(ref: RewardModelRef): Promise<{ readonly view: (texts: readonly string[]) => Promise<ModelView> }> {
    const model = await this.opened(ref);
    return {
      view: async (texts) => {
        const scores = await model.scores.of(texts);
        const byText = new Map(texts.map((text, index) => [text, scores[index] as number]));
        return { body: model.body, score: (text) => byText.get(text) as number };
      },
    };
  }

  private opened(ref: RewardModelRef): Promise<OpenModel> {
    const known = this.open.get(ref.digest) ?? this.read(ref);
    this.open.delete(ref.digest);
    this.open.set(ref.digest, known);
    known.catch(() => this.open.delete(ref.digest));
    for (const [digest, oldest] of this.open) {
      if (this.open.size <= OPEN_MAX) break;
      this.open.delete(digest);
      // Its session is freed with the object: a call under way may still use it.
      oldest.catch(() => undefined);
    }
    return known;
  }

  private async read(ref: RewardModelRef): Promise<OpenModel> {
    const bytes = await this.reader.read(ref);
    const { body } = decodeRewardModel(bytes, ref.key);
    return { body, scores: await TextScores.open(bytes, body.spec.characters) };
  }
}
