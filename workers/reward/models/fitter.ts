/**
 * Makes the versions of reward models. A version is a pure function of the label log up to its position and of the fit:
 * it goes on from the version at the milestone before it, and milestones follow from the log alone. So two workers, two
 * runs or a verification make the same bytes.
 */
import type { FitInput, FitResult } from '../../../proto/activities.js';
import type { TrainedFitSpec } from '../../../proto/reward-fits.js';
import type { RewardModelRef } from '../../../proto/references.js';
import { LabelTable, type LabelView } from '../../annotator/label-table.js';
import { freshTrainerState, LossSession } from '../../learner/loss-session.js';
import { digestOf, hashOf, writeArtifact } from '../../store/artifacts.js';
import { layout } from '../../store/layout.js';
import type { ObjectStore } from '../../store/object-store.js';
import type { FitContext } from './fit-kind.js';
import { milestones, type Milestones } from './milestones.js';
import { decodeRewardModel, encodeRewardModel, type ModelBody } from './model-file.js';
import { fitOf, milestonesOf } from './registry.js';
import { TextNetwork, type Parameters } from './text-network.js';
import { TextScores } from './text-scores.js';
import { TrainingSet } from './training-set.js';
import { keepNewest } from '../../keep-newest.js';

/** Adam with the usual constants; the step size is the fit's. */
const ADAM = { adamBeta1: 0.9, adamBeta2: 0.999, adamEpsilon: 1e-8, gradientNormMax: 1 } as const;
/** Label logs held in memory. */
const TABLES_MAX = 8;

interface Version {
  readonly bytes: Uint8Array;
  readonly body: ModelBody;
  readonly parameters: Parameters;
}

export interface FitWork {
  readonly signal?: AbortSignal;
  readonly onProgress?: (note: unknown) => void;
}

/** Name of a fit: everything besides the log that changes the bytes of its versions. */
export function fitName({ fit, threshold }: Pick<FitInput, 'fit' | 'threshold'>): string {
  return hashOf({ fit, threshold });
}

export class Fitter {
  private readonly tables = new Map<string, LabelTable>();

  constructor(private readonly options: { readonly store: ObjectStore; readonly endpoints: readonly string[] }) {}

  /**
   * Makes the versions that are due up to the position of the log; those that are there are left as they are.
   * @throws LaurelError LAUREL_STORE_*, LAUREL_SCHEMA_MISMATCH, LAUREL_NUMBER_INVALID
   */
  async fit(input: FitInput, work: FitWork = {}): Promise<FitResult> {
    const begunMs = performance.now();
    const { view, marks } = await this.due(input);
    let at = marks.positions.length - 1;
    let newest: Version | null = null;
    while (at >= 0 && (newest = await this.stored(input, marks.positions[at] as number)) === null) at -= 1;
    let made = 0;
    for (const position of marks.positions.slice(at + 1)) {
      work.signal?.throwIfAborted();
      work.onProgress?.({ position, of: input.log.position });
      newest = await this.make(input, view, position, newest);
      await this.write(newest);
      made += 1;
    }
    const usable = newest === null || newest.body.usable === null ? null : newest.body.usable === newest.body.position ? newest : await this.stored(input, newest.body.usable);
    return {
      model: usable === null ? null : this.reference(usable),
      newest: newest === null ? null : { position: newest.body.position, ready: newest.body.ready, metrics: newest.body.metrics },
      nextLabels: marks.nextLabels,
      made,
      fitMs: performance.now() - begunMs,
    };
  }

  /**
   * Makes one version again, from the stored one before it.
   * @returns the position of that one; null: the version is the first
   * @throws LaurelError LAUREL_STORE_CONFLICT where it is another than the one that is stored
   */
  async again(input: FitInput): Promise<number | null> {
    const { view, marks } = await this.due(input);
    const at = marks.positions.indexOf(input.log.position);
    const before = at > 0 ? (marks.positions[at - 1] as number) : null;
    const previous = before === null ? null : await this.stored(input, before);
    await this.write(await this.make(input, view, input.log.position, previous));
    return before;
  }

  private async due({ log, fit }: FitInput): Promise<{ view: LabelView; marks: Milestones }> {
    const table = this.table(log.annotator);
    const view = await table.at(log.position);
    return { view, marks: milestones((position) => table.labelsAt(position), log.position, milestonesOf(fit)) };
  }

  private async make(input: FitInput, newest: LabelView, position: number, previous: Version | null): Promise<Version> {
    const { fit: spec, threshold, log } = input;
    const table = this.table(log.annotator);
    const view = position === newest.position ? newest : await table.at(position);
    const network = new TextNetwork(spec);
    const freshFrom = previous === null ? 0 : table.labelsAt(previous.body.position);
    const freshEntry = previous?.body.position ?? 0;
    const set = new TrainingSet({ seed: spec.seed, heldOut: spec.heldOut, texts: { length: view.labels, at: (index) => table.textAt(index) }, freshFrom, isFresh: (text) => (view.get(text)?.entry ?? 0) >= freshEntry });
    const context: FitContext = {
      network,
      set,
      threshold,
      previous: previous?.body.head ?? null,
      labelOf: (text) => view.get(text)!.probability,
      choiceOf: (pair) => view.get(pair)!.choice,
      train: (objective, feeds) => this.train(spec, position, set, previous?.parameters ?? network.initialParameters(spec.seed), objective, feeds),
      scores: async (parameters, messages) => {
        const session = await TextScores.open(network.export(parameters, {}), spec.characters);
        try {
          return await session.of(messages);
        } finally {
          await session.close();
        }
      },
    };
    const { parameters, steps, head, ready, metrics } = await fitOf(spec, context);
    const body: ModelBody = {
      annotator: log.annotator,
      fit: fitName(input),
      spec,
      position,
      labels: view.labels,
      previous: previous?.body.position ?? null,
      steps,
      head,
      ready,
      usable: ready ? position : (previous?.body.usable ?? null),
      metrics,
    };
    return { bytes: encodeRewardModel(network, parameters, body), body, parameters };
  }

  /** Steps bounded by the fit, on new labels and on a share of older ones. */
  private async train(spec: TrainedFitSpec, position: number, set: TrainingSet, from: Parameters, ...[objective, feeds]: Parameters_<FitContext['train']>): Promise<{ parameters: Parameters; steps: number; loss: number }> {
    const replayed = set.old === 0 ? 0 : Math.round(spec.batch * spec.replay);
    const steps = Math.max(1, Math.min(spec.stepsMax, Math.ceil((spec.epochs * set.fresh) / (spec.batch - replayed))));
    const session = await LossSession.create(objective, { ...ADAM, learningRate: spec.learningRate });
    try {
      let state = freshTrainerState(from);
      let loss = 0;
      for (let step = 0; step < steps; step++) {
        const result = await session.step(state, feeds(set.batch(position * 100_003 + step, spec.batch, replayed)));
        state = result.state;
        loss = result.metrics['loss'] as number;
      }
      return { parameters: state.parameters, steps, loss };
    } finally {
      await session.release();
    }
  }

  private async write({ bytes, body }: Version): Promise<void> {
    await writeArtifact(this.options.store, layout.rewardModel(body.annotator, body.fit, body.position), bytes, { schemaVersion: 1 });
  }

  private async stored(input: FitInput, position: number): Promise<Version | null> {
    const key = layout.rewardModel(input.log.annotator, fitName(input), position);
    const bytes = await this.options.store.get(key);
    return bytes === undefined ? null : { bytes, ...decodeRewardModel(bytes, key) };
  }

  private reference({ bytes, body }: Version): RewardModelRef {
    const { annotator, fit, position, labels } = body;
    return { key: layout.rewardModel(annotator, fit, position), digest: digestOf(bytes), bytes: bytes.byteLength, rows: 0, schemaVersion: 1, endpoints: this.options.endpoints, annotator, fit, position, labels };
  }

  private table(annotator: string): LabelTable {
    const table = this.tables.get(annotator) ?? new LabelTable(this.options.store, annotator);
    keepNewest(this.tables, annotator, table, TABLES_MAX);
    return table;
  }
}

type Parameters_<F> = F extends (...parameters: infer P) => unknown ? P : never;
