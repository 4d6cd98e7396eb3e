/** A finished run in a store, written with the same encoders as a real one. */
import type { MetricsLine } from '../../../proto/activities.js';
import { binary } from '../../../proto/flight/columns.js';
import { tableBytes } from '../../../proto/flight/tables.js';
import { CounterRandom } from '../../../proto/philox.js';
import { resolveJob } from '../../../proto/resolve.js';
import type { RunStatus } from '../../../proto/status.js';
import { encodeLabels, type LabelRecord } from '../../../workers/annotator/label-record.js';
import { openLabelledSet } from '../../../workers/annotator/quality/labelled-set.js';
import { encodeRewards } from '../../../workers/reward/reward-record.js';
import { layout } from '../../../workers/store/layout.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';

export const RUN = 'shown';
export const ANNOTATOR = 'a'.repeat(32);
/** Of its messages four were asked, one of them with a verdict that is wrong; one row is of the part development. */
export const LABELLED = 'test/unit/infra/fixtures/labelled.csv';
export const HOSTILE = '<script>alert("owned")</script> & more';

const MESSAGES: readonly (readonly [text: string, probability: number | null])[] = [
  ['You kill the newt!', 0.84],
  ['It is solid stone.', 0.09],
  ['You see here 12 gold pieces.', 0.71],
  ['Welcome to experience level 2.', 0.93],
  [HOSTILE, 0.5],
  ['The door is locked.', 0.04],
  ['You descend the stairs.', null],
];

export const JOB = resolveJob({
  name: 'shown',
  environment: { kind: 'grid-world' },
  sources: {
    goal: { kind: 'env' },
    helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'gain levels <b>fast</b>', judge: { kind: 'scripted' }, labelled: { path: LABELLED } } },
  },
  combine: { op: 'linear', weights: { goal: 1, helpful: 0.2 } },
  stop: { transitions: 100_000 },
  seed: 7,
});

export function metricsLines(count: number): MetricsLine[] {
  const random = new CounterRandom(1, 'test');
  return Array.from({ length: count }, (_, index) => {
    const t = index / count;
    const noise = (salt: number): number => random.normal(index, salt);
    const helpful = 0.02 + 0.05 * t + 0.008 * noise(1);
    const goal = 0.001 + 0.01 * t * t + 0.001 * noise(2);
    return {
      version: index + 1,
      transitions: (index + 1) * 1024,
      elapsedMs: 3000 + index * (900 + 80 * noise(3)),
      values: {
        'reward.goal': goal,
        'reward.helpful': helpful,
        'reward.total': goal + 0.2 * helpful,
        'masked.helpful': Math.max(0, 0.4 - t + 0.02 * noise(4)),
        'learner.policyLoss': -0.01 + 0.004 * noise(5),
        'learner.valueLoss': 0.4 * Math.exp(-3 * t) + 0.02 * noise(6),
        'learner.entropy': 1.9 - 0.9 * t + 0.02 * noise(7),
        'learner.gradientNorm': 0.5 + 0.1 * noise(8),
        lag: 1 + (index % 3),
        'labels.helpful': Math.round(300 * (1 - Math.exp(-5 * t))),
        'labels.helpful.waiting': Math.round(60 * Math.exp(-4 * t)),
        'episodes.count': index * 4,
        'episodes.length': 180 - 90 * t + 4 * noise(9),
        'episodes.return.goal': t + 0.05 * noise(10),
        'episodes.keys_found': 2 * t + 0.05 * noise(11),
      },
    };
  });
}

const STATUS: Omit<RunStatus, 'evaluations'> = {
  run: RUN, job: 'shown', state: 'Finishing', mode: 'async', environment: 'grid-world', startedAtMs: 1_760_000_000_000, elapsedMs: 184_000,
  stop: JOB.stop, progress: 1, version: 200, checkpoint: 200, parameters: 123_456, transitionsCollected: 210_000, transitionsTrained: 204_800, transitionsPerSecond: 1180,
  lagLast: 2, lagMax: 5, segmentsQueued: 0,
  annotations: [{ source: 'helpful', log: { annotator: ANNOTATOR, position: 2, labels: 6 }, made: 5, known: 6, waiting: 0, dropped: 0, unparsable: 1, failed: 0, tokensIn: 700, tokensOut: 7, annotateMs: 1400 }],
  rewards: {}, learner: {},
  episodes: { count: 812, failed: 1, lengthMean: 90, returnMeans: { goal: 0.9 }, statisticMeans: { keys_found: 1.9 } },
  ledger: { collected: 205, trained: 200, stale: 2, filtered: { 'run-ended': 3 }, failed: {}, voided: 0, open: 0 },
  attention: [], decisions: [],
  stall: null,
  underWay: [],
  waits: [], weights: { goal: 1, helpful: 0.2 }, historyEvents: 412, continuedRuns: 1, stepMsP50: 1.2, stepMsP99: 4.1,
  spentMs: { collect: 160_000, annotate: 120_000, score: 9_000, update: 140_000, evaluate: 11_000 },
};

function labelRecord(text: string, probability: number | null): LabelRecord {
  return { text: Buffer.from(text, 'latin1'), status: probability === null ? 'unparsable' : 'ok', label: probability, reply: '', model: 'scripted', promptHash: 'p', tokensIn: 100, tokensOut: 1, latencyMs: 200, attempt: 1, askedAt: '2025-01-01T00:00:00.000Z' };
}

/** As far as a report reads it: the stream of the transitions, then that of the boundary. */
function segmentBytes(texts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([tableBytes([binary('text', texts)]), tableBytes([binary('episode_actions', [new Uint8Array(4)])])]);
}

/** The newt pays 1 for each of 7 times; level 2 pays 0.5 for each of 4; what was never asked is unknown. */
function rewardBytes(texts: readonly string[]): Uint8Array {
  const column = (valueOf: (text: string) => number, known: (text: string) => boolean) => ({
    value: Float32Array.from(texts, valueOf),
    mask: Uint8Array.from(texts, (text) => (known(text) ? 1 : 0)),
    confidence: new Float32Array(texts.length).fill(1),
    status: new Uint8Array(texts.length),
    version: new Uint32Array(texts.length),
  });
  const helpful = column((text) => (text === MESSAGES[0]?.[0] ? 1 : text === MESSAGES[3]?.[0] ? 0.5 : 0), (text) => text !== 'never asked');
  const body = { components: ['goal', 'helpful', 'total'], segment: { key: '', digest: '' }, scoring: 's', labels: {}, models: {}, weights: {} };
  return encodeRewards([column(() => 0, () => true), helpful, helpful], body).bytes;
}

/** @param finished false: a run that goes on, without summary */
export async function writeRun(store: ObjectStore, finished: boolean, lines = 200): Promise<void> {
  const put = (key: string, value: unknown): Promise<unknown> => store.putIfAbsent(key, Buffer.from(JSON.stringify(value)));
  await put(layout.spec(RUN), JOB);
  const metrics = metricsLines(lines);
  const half = Math.floor(metrics.length / 2);
  const body = (part: readonly MetricsLine[]): Buffer => Buffer.from(part.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await store.putIfAbsent(layout.metricsPart(RUN, 0), body(metrics.slice(0, half)));
  await store.putIfAbsent(layout.metricsPart(RUN, 1), body(metrics.slice(half)));
  const records = MESSAGES.map(([text, probability]) => labelRecord(text, probability));
  await store.putIfAbsent(layout.label(ANNOTATOR, 0), encodeLabels(ANNOTATOR, records.slice(0, 4)));
  await store.putIfAbsent(layout.label(ANNOTATOR, 1), encodeLabels(ANNOTATOR, records.slice(4)));
  // Of another run that shares the annotator, after the position of this one.
  await store.putIfAbsent(layout.label(ANNOTATOR, 2), encodeLabels(ANNOTATOR, [labelRecord('asked later', 0.99)]));
  await put(layout.annotator(ANNOTATOR), { annotator: ANNOTATOR, mode: 'pointwise', judge: {}, prompt: { goal: 'gain levels <b>fast</b>' } });
  for (let seq = 0; seq < 3; seq++) {
    const texts = MESSAGES.flatMap(([text], index) => new Array<Uint8Array>(MESSAGES.length - index).fill(Buffer.from(text, 'latin1')));
    await store.putIfAbsent(layout.segment(RUN, 0, seq), segmentBytes([...texts, new Uint8Array(0), Buffer.from('never asked', 'latin1')]));
  }
  await openLabelledSet(store, { path: LABELLED });
  for (let seq = 0; seq < 3; seq++) await store.putIfAbsent(layout.reward(RUN, 0, seq, 's'), rewardBytes(MESSAGES.flatMap(([text], index) => new Array<string>(MESSAGES.length - index).fill(text)).concat('', 'never asked')));
  for (const { version } of metrics) await put(layout.update(RUN, version), { version, segments: [{ key: layout.segment(RUN, 0, version % 3) }], rewards: [{ key: layout.reward(RUN, 0, version % 3, 's') }] });
  for (const [version, mean] of [[0, 0.1], [200, 0.9]] as const) {
    const means = { length: { mean: 190 - version / 2, halfWidth: 4 }, 'return.goal': { mean, halfWidth: 0.06 }, keys_found: { mean: 2 * mean, halfWidth: 1.5 } };
    await put(layout.evaluation(RUN, version, 'policy'), { schemaVersion: 1, run: RUN, policyVersion: version, suite: 'policy', failed: 0, means, episodes: new Array(50).fill({}) });
  }
  if (!finished) return;
  await store.putIfAbsent(layout.metrics(RUN), body(metrics));
  await put(layout.summary(RUN), { version: 1, run: RUN, outcome: 'completed', status: { ...STATUS, evaluations: [] } });
}
