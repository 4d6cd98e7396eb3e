/** Numbers of a run for people: metric lines, the status, the live table. Pure functions of the state. */
import type { MetricsLine, UpdateBatch, UpdateResult } from '../proto/activities.js';
import type { StopSpec } from '../proto/job.js';
import type { LabelQuality } from '../proto/quality.js';
import type { Ledger, RunState, RunStatus } from '../proto/status.js';
import { rewardModelStatus } from './fit-state.js';
import { mapValues, openSegments, rewardMeans, shardsWanted, sum, type TrainingState } from './training-state.js';

/** One line for each new version: learner metrics, rewards by component, labels and episodes at that time. */
export function metricsLines(state: TrainingState, batches: readonly UpdateBatch[], result: UpdateResult, atMs: number): MetricsLine[] {
  let transitions = state.transitionsTrained;
  const episodes = episodeMeans(state);
  return result.updates.map((update, index) => {
    transitions += update.transitions;
    const rewards = rewardMeans(batches.slice(index, index + 1));
    const values: Record<string, number> = { ...prefixed('learner', update.metrics), lag: update.lagMax, collected: state.transitionsCollected };
    values['rollout.stepMsP50'] = state.stepMsP50;
    values['rollout.stepMsP99'] = state.stepMsP99;
    for (const [name, { mean, maskedShare }] of Object.entries(rewards)) {
      values[`reward.${name}`] = mean;
      values[`masked.${name}`] = maskedShare;
    }
    for (const [source, annotation] of Object.entries(state.annotations)) {
      values[`labels.${source}`] = annotation.log.labels;
      values[`labels.${source}.waiting`] = annotation.waiting;
      for (const { scope, unit, used } of annotation.budget?.uses ?? []) values[`budget.${source}.${scope}.${unit}`] = used;
      Object.assign(values, prefixed(`quality.${source}`, labelFigures(annotation.quality)));
    }
    for (const { source, observations, known, top } of state.rewardQuality?.sources ?? []) {
      values[`quality.${source}.annotatedShare`] = observations === 0 ? 0 : known / observations;
      values[`quality.${source}.topShare`] = top[0]?.share ?? 0;
    }
    if (state.rewardQuality !== undefined) values['quality.warnings'] = state.rewardQuality.warnings.length;
    for (const { source, used, newest } of rewardModelStatus(state)) {
      values[`fit.${source}.labels`] = used?.labels ?? 0;
      Object.assign(values, prefixed(`fit.${source}`, newest?.metrics ?? {}));
    }
    Object.assign(values, prefixed('multiplier', state.rewardState?.multipliers ?? {}));
    values['episodes.count'] = state.episodeCount;
    if (episodes.lengthMean !== null) values['episodes.length'] = episodes.lengthMean;
    Object.assign(values, prefixed('episodes.return', episodes.returnMeans), prefixed('episodes', episodes.statisticMeans));
    return { version: update.version, transitions, elapsedMs: atMs - state.startedAtMs, values };
  });
}

/** What can be said of it: a figure that is null has no curve. */
function labelFigures(quality: LabelQuality | undefined): Record<string, number> {
  if (quality === undefined) return {};
  const { agreement, drift } = quality;
  const figures = { accuracy: agreement?.accuracy, kappa: agreement?.kappa, auc: agreement?.auc, brier: agreement?.brier, ece: agreement?.ece, compared: agreement?.count, drift: drift.z };
  return Object.fromEntries(Object.entries(figures).flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value]])));
}

function prefixed(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));
}

export function episodeMeans(state: TrainingState): { lengthMean: number | null; returnMeans: Record<string, number>; statisticMeans: Record<string, number> } {
  const count = sum(state.episodeWindow, (episodes) => episodes.count);
  if (count === 0) return { lengthMean: null, returnMeans: {}, statisticMeans: {} };
  const named = (names: readonly string[], pick: (index: number) => number): Record<string, number> => Object.fromEntries(names.map((name, index) => [name, pick(index) / count]));
  return {
    lengthMean: sum(state.episodeWindow, (episodes) => episodes.lengthSum) / count,
    returnMeans: named(state.prepared?.rewardNames ?? [], (index) => sum(state.episodeWindow, (episodes) => episodes.returnSums[index] ?? 0)),
    statisticMeans: named(state.prepared?.statisticNames ?? [], (index) => sum(state.episodeWindow, (episodes) => episodes.statisticSums[index] ?? 0)),
  };
}

/** 0..1 towards the criterion that is nearest to its end. */
export function progressOf(state: TrainingState, stop: StopSpec, nowMs: number): number {
  const shares = [
    stop.transitions === undefined ? 0 : state.transitionsTrained / stop.transitions,
    stop.versions === undefined ? 0 : (state.policy?.version ?? 0) / stop.versions,
    stop.runMs === undefined ? 0 : (nowMs - state.startedAtMs) / stop.runMs,
  ];
  return Math.min(1, Math.max(...shares));
}

export function transitionsPerSecond(state: TrainingState): number {
  const last = state.rateWindow[state.rateWindow.length - 1];
  if (!last) return 0;
  const first = state.rateWindow.find((point) => point.atMs >= last.atMs - 60_000) ?? last;
  return last.atMs > first.atMs ? ((last.transitions - first.transitions) * 1000) / (last.atMs - first.atMs) : 0;
}

export function ledgerOf(state: TrainingState): Ledger {
  return { ...state.ledger, open: openSegments(state.ledger) };
}

export interface StatusContext {
  readonly nowMs: number;
  readonly runState: RunState;
  readonly waits: readonly string[];
  readonly underWay: readonly string[];
  readonly stall: RunStatus['stall'];
  readonly historyEvents: number;
}

export function statusOf(state: TrainingState, context: StatusContext): RunStatus {
  return {
    run: state.run,
    job: state.job.name,
    state: context.runState,
    mode: state.job.schedule.mode,
    environment: state.job.environment.kind,
    startedAtMs: state.startedAtMs,
    elapsedMs: context.nowMs - state.startedAtMs,
    stop: state.stop,
    progress: progressOf(state, state.stop, context.nowMs),
    version: state.policy?.version ?? 0,
    checkpoint: state.checkpoint,
    parameters: state.prepared?.parameters ?? 0,
    transitionsCollected: state.transitionsCollected,
    transitionsTrained: state.transitionsTrained,
    transitionsPerSecond: transitionsPerSecond(state),
    lagLast: state.lagLast,
    lagMax: state.lagMax,
    segmentsQueued: state.ready.length,
    annotations: Object.entries(state.annotations).map(([source, one]) => ({
      source,
      log: one.log,
      made: one.made,
      known: one.known,
      waiting: one.waiting,
      dropped: one.dropped,
      unparsable: one.unparsable,
      failed: one.failed,
      tokensIn: one.tokensIn,
      tokensOut: one.tokensOut,
      annotateMs: one.annotateMs,
      ...(one.budget === undefined ? {} : { budget: one.budget }),
      ...(one.quality === undefined ? {} : { quality: one.quality }),
    })),
    rewardModels: rewardModelStatus(state),
    rewards: mapValues(state.rewards, (value) => value),
    ...(state.rewardQuality === undefined ? {} : { rewardQuality: state.rewardQuality }),
    learner: state.learner,
    episodes: { count: state.episodeCount, failed: state.episodesFailed, nondeterministic: state.episodesNondeterministic ?? 0, ...episodeMeans(state) },
    evaluations: state.evaluations,
    ledger: ledgerOf(state),
    ...(state.swept === undefined ? {} : { swept: { objects: state.swept.objects, bytes: state.swept.bytes } }),
    ...(state.restored === undefined ? {} : { restored: state.restored }),
    attention: state.attention,
    decisions: state.decisions,
    ...(state.steers === undefined ? {} : { steers: state.steers }),
    ...(state.controls === undefined ? {} : { controls: state.controls }),
    shards: shardsWanted(state),
    stall: context.stall,
    underWay: context.underWay,
    waits: context.waits,
    weights: state.weights,
    ...(state.rewardState && Object.keys(state.rewardState.multipliers).length > 0 && { multipliers: state.rewardState.multipliers }),
    historyEvents: context.historyEvents,
    continuedRuns: state.continuedRuns,
    stepMsP50: state.stepMsP50,
    stepMsP99: state.stepMsP99,
    spentMs: state.spentMs,
  };
}
