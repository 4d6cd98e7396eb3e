/** What a run knows of its reward models: plain JSON, changed only by the results of `fit`. */
import type { FitResult, RewardModels } from '../proto/activities.js';
import type { Job } from '../proto/job.js';
import type { RewardModelRef } from '../proto/references.js';
import { firstFitLabels, isTrained, type TrainedFitSpec } from '../proto/reward-fits.js';
import type { RewardModelStatus } from '../proto/status.js';
import type { TrainingState } from './training-state.js';

export interface FitState {
  /** Newest version that may be used. */
  readonly model: RewardModelRef | null;
  readonly newest: FitResult['newest'];
  /** Labels at which the next version is due; null: there is none. */
  readonly nextLabels: number | null;
  /** Position of the log at the last call. */
  readonly position: number;
  readonly made: number;
}

export type FitStates = Readonly<Record<string, FitState>>;

/** Sources whose fit makes versions, in the order of the job. */
export function trainedSources(job: Job): { readonly source: string; readonly fit: TrainedFitSpec }[] {
  return Object.entries(job.sources).flatMap(([source, spec]) => (spec.kind === 'model' && isTrained(spec.fit) ? [{ source, fit: spec.fit }] : []));
}

/** The log has the labels that the next version of the source waits for. */
export function fitDue(state: TrainingState, source: string, fit: TrainedFitSpec): boolean {
  const log = state.annotations[source]?.log;
  const known = fitsOf(state)[source];
  const due = known === undefined ? firstFitLabels(fit) : known.nextLabels;
  return log !== undefined && due !== null && log.labels >= due && log.position > (known?.position ?? 0);
}

/** The answers of an annotator still change something: an offline model that is trained takes in nothing more. */
export function asksMore(state: TrainingState, source: string): boolean {
  const spec = state.job.sources[source];
  return !(spec?.kind === 'model' && spec.fit.kind === 'offline' && fitsOf(state)[source]?.nextLabels === null);
}

export function fitted(states: FitStates, source: string, position: number, result: FitResult): FitStates {
  const { model, newest, nextLabels, made } = result;
  return { ...states, [source]: { model, newest, nextLabels, position, made: (states[source]?.made ?? 0) + made } };
}

/** What `score` looks at. */
export function rewardModels(state: TrainingState): RewardModels {
  return Object.fromEntries(trainedSources(state.job).map(({ source }) => [source, fitsOf(state)[source]?.model ?? null]));
}

export function rewardModelStatus(state: TrainingState): RewardModelStatus[] {
  return trainedSources(state.job).map(({ source, fit }) => {
    const known = fitsOf(state)[source];
    return {
      source,
      fit: fit.kind,
      used: known?.model ? { position: known.model.position, labels: known.model.labels } : null,
      versions: known?.made ?? 0,
      nextLabels: known === undefined ? firstFitLabels(fit) : known.nextLabels,
      newest: known?.newest ?? null,
    };
  });
}

/** Absent in a run that was begun before there were fits. */
function fitsOf(state: TrainingState): FitStates {
  return state.fits ?? {};
}
