/** What a source of kind `model` looks at besides a batch: labels at a position, or a version of its reward model. */
import type { LabelLogRef, RewardModelRef } from '../../../proto/references.js';
import { isTrained } from '../../../proto/reward-fits.js';
import type { ModelSourceSpec } from '../../../proto/reward-sources.js';
import { LabelTable } from '../../annotator/label-table.js';
import { normalKey } from '../../annotator/normal-form.js';
import type { ArtifactReader } from '../../store/artifact-reader.js';
import type { ObjectStore } from '../../store/object-store.js';
import { RewardModelLoader } from './model-view.js';
import type { ModelContext } from './text-values.js';
import { keepNewest } from '../../keep-newest.js';

/** Label tables kept in memory; the least recently used goes first. */
const TABLES_MAX = 32;

export class SourceContexts {
  private readonly tables = new Map<string, LabelTable>();
  private readonly models: RewardModelLoader;

  constructor(
    private readonly store: ObjectStore,
    reader: ArtifactReader,
  ) {
    this.models = new RewardModelLoader(reader);
  }

  /**
   * @param texts distinct messages of the batch
   * @throws LaurelError LAUREL_STORE_*, LAUREL_MODEL_INVALID, LAUREL_SCHEMA_MISMATCH
   */
  async of({ fit, annotator }: ModelSourceSpec, log: LabelLogRef | undefined, model: RewardModelRef | null | undefined, texts: readonly string[]): Promise<ModelContext> {
    if (isTrained(fit)) return { model: model ? await (await this.models.load(model)).view([...new Set(texts.map((text) => normalKey(annotator.normalForm ?? 'raw', text)))]) : undefined };
    return { labels: log === undefined ? undefined : await this.table(log.annotator).at(log.position) };
  }

  private table(annotator: string): LabelTable {
    const table = this.tables.get(annotator) ?? new LabelTable(this.store, annotator);
    keepNewest(this.tables, annotator, table, TABLES_MAX);
    return table;
  }
}
