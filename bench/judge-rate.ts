/**
 * What a judge takes from a run: the same NetHack job without an annotator (twice: how far the two are apart is the noise), with
 * a judge that takes 2 s a label, with one that is not there, and with one that answers 429 all the time. All five play side by side, each in a
 * session of its own, so that whatever else the machine does meets all of them: one after another, a machine that changes its
 * pace within minutes hides what a judge takes. `LAUREL_BENCH_JUDGE_MINUTES` (2): how long they play.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetricsLine } from '../proto/activities.js';
import { FaultJudge, type JudgeFault } from '../infra/chaos/fault-judge.js';
import { metricsOf, runJob, transitionsPerSecond } from './learning.js';
import { median } from './peer.js';
import { LABEL_WEIGHT, type Row } from './pipeline.js';

/** Left out at the start of each run: environments, sessions and the server warm up. */
const WARM_UP_MS = 30_000;

type JudgeState = 'none' | '2 s a label' | 'gone' | '429';

interface Measured {
  readonly transitionsPerSecond: number;
  readonly stepMsP50: number;
  readonly stepMsP99: number;
  readonly requests: number;
}

export async function benchJudgeRate(): Promise<Row[]> {
  const minutes = Number(process.env['LAUREL_BENCH_JUDGE_MINUTES'] ?? '2');
  const states: readonly JudgeState[] = ['none', '2 s a label', 'gone', '429', 'none'];
  const [first, slow, gone, limited, last] = (await Promise.all(states.map((state) => measure(state, minutes)))) as [Measured, Measured, Measured, Measured, Measured];
  const without = mean(first, last);
  const cases: readonly [string, Measured][] = [['2 s a label', slow], ['gone', gone], ['429', limited]];
  return [
    ...rows('no annotator, one against the other (noise)', first, last),
    ...cases.flatMap(([judge, measured]) => rows(`judge ${judge} (${measured.requests} requests in ${minutes} min) against no annotator`, measured, without)),
  ];
}

function rows(what: string, ours: Measured, reference: Measured): Row[] {
  const row = (unit: string, name: 'transitionsPerSecond' | 'stepMsP50' | 'stepMsP99'): Row => ({ what, unit, ours: ours[name], reference: reference[name], ratio: ours[name] / reference[name] });
  return [row('transitions/s', 'transitionsPerSecond'), row('ms, p50 of a step of 32 games', 'stepMsP50'), row('ms, p99 of a step of 32 games', 'stepMsP99')];
}

function mean(a: Measured, b: Measured): Measured {
  const half = (name: keyof Measured): number => (a[name] + b[name]) / 2;
  return { transitionsPerSecond: half('transitionsPerSecond'), stepMsP50: half('stepMsP50'), stepMsP99: half('stepMsP99'), requests: 0 };
}

async function measure(state: JudgeState, minutes: number): Promise<Measured> {
  const thinkMs = state === '2 s a label' ? 2_000 : 5;
  const judge = new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [thinkMs, thinkMs] });
  await judge.start();
  const fault: Partial<Record<JudgeState, JudgeFault>> = { '429': 'rate-limit' };
  judge.fault = fault[state] ?? null;
  const { baseUrl } = judge;
  if (state === 'gone') await judge.stop();
  const folder = await mkdtemp(join(tmpdir(), 'laurel-bench-'));
  try {
    const name = `judge-${state.replace(/[^a-z0-9]+/g, '-')}`;
    await runJob(jobOf(name, state === 'none' ? null : baseUrl, minutes), folder, { ownSession: true });
    return { ...figures(await metricsOf(folder, name)), requests: judge.journal.length };
  } finally {
    await judge.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function figures(lines: readonly MetricsLine[]): Omit<Measured, 'requests'> {
  const begun = lines[0]!.elapsedMs + WARM_UP_MS;
  const kept = lines.filter(({ elapsedMs }) => elapsedMs >= begun);
  return {
    transitionsPerSecond: transitionsPerSecond(kept),
    stepMsP50: median(kept.map(({ values }) => values['rollout.stepMsP50']!)),
    stepMsP99: median(kept.map(({ values }) => values['rollout.stepMsP99']!)),
  };
}

/** @param baseUrl null: the game's reward alone */
function jobOf(name: string, baseUrl: string | null, minutes: number): Record<string, unknown> & { name: string } {
  const judge = { kind: 'openai', baseUrl, model: 'any', api: 'chat', concurrency: 1 };
  const helpful = { kind: 'model', fit: 'retrieval', annotator: { goal: 'any', judge } };
  return {
    name,
    environment: { kind: 'nethack' },
    policy: { preset: 'small' },
    sources: { game: { kind: 'env' }, ...(baseUrl === null ? {} : { helpful }) },
    combine: { op: 'linear', weights: { game: 1, ...(baseUrl === null ? {} : { helpful: LABEL_WEIGHT }) } },
    learn: { batchSegments: 2 },
    rollout: { shards: 2, environmentsPerShard: 32, segmentSteps: 32 },
    schedule: { policyLagMax: 16 },
    evaluate: { episodes: 0 },
    stop: { runMs: Math.round(minutes * 60_000) },
    seed: 1,
  };
}
