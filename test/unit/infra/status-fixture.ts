/** A status as a run in the middle gives it. */
import type { RunStatus } from '../../../proto/status.js';
import type { ScreenView } from '../../../infra/screen/view.js';

export const STATUS: RunStatus = {
  run: 'nethack-oni', job: 'nethack-oni', state: 'Running', mode: 'async', environment: 'nethack', startedAtMs: 0, elapsedMs: 192_000,
  stop: { transitions: 500_000 }, progress: 0.4242, version: 57, checkpoint: 40, parameters: 1_234_567,
  transitionsCollected: 218_112, transitionsTrained: 212_100, transitionsPerSecond: 1216.4, lagLast: 1, lagMax: 4, segmentsQueued: 3,
  annotations: [{ source: 'helpful', log: { annotator: 'abc', position: 9, labels: 1034 }, made: 812, known: 500, waiting: 122, dropped: 0, unparsable: 3, failed: 0, tokensIn: 1, tokensOut: 1, annotateMs: 170_000 }],
  rewards: { game: { mean: 0.00123, maskedShare: 0 }, helpful: { mean: 0.0312, maskedShare: 0.123 }, total: { mean: 0.0126, maskedShare: 0.123 } },
  learner: { entropy: 2.914, policyLoss: -0.0031, valueLoss: 0.2, loss: 0.012, gradientNorm: 0.4 },
  episodes: { count: 124, failed: 0, lengthMean: 512.3, returnMeans: { score: 31.25 }, statisticMeans: { depth_max: 1.42 } },
  evaluations: [], ledger: { collected: 420, trained: 410, stale: 2, filtered: {}, failed: {}, voided: 0, open: 8 },
  attention: [], decisions: [],
  stall: null,
  underWay: [],
  waits: ['learner waits: no scored batch', 'shard 0 waits: the learner has enough segments'], weights: { game: 0.1, helpful: 0.4 },
  historyEvents: 900, continuedRuns: 0, stepMsP50: 1, stepMsP99: 2, spentMs: { collect: 100 },
};

export const VIEW: ScreenView = {
  run: 'nethack-oni',
  status: STATUS,
  rates: { transitionsPerSecond: undefined, labelsPerSecond: 4.81, leftMs: 260_000 },
  waitingFor: undefined,
  retries: [],
  workers: { ready: 5, total: 5, down: [] },
  events: [],
  page: 'http://127.0.0.1:8233/namespaces/default/workflows/nethack-oni',
  elapsedMs: 192_000,
};
