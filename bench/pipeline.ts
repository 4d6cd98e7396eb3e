/**
 * What Temporal, Flight and the store cost: a job through the whole pipeline against the same collect-and-learn loop in one
 * process, in transitions/s of wall time, taking turns twice (the pipeline plays and learns side by side, the loop by turns; of the
 * pipeline the second half of the run). And what an annotator with a judge of 2 s a label takes from it: the job with and without
 * it at the same time, each in a session of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interval, metricsOf, runJob, transitionsPerSecond } from './learning.js';
import { runLoop } from './loop.js';
import { median } from './peer.js';

export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
}

const TURNS = 2;
/** Trained transitions of each run: some 40 s on two cores. */
const TRANSITIONS = { 'grid-world': 1_500_000, nethack: 600_000 } as const;

/** So small that labels do not change what is played: other games have other costs, and those are not the annotator's. */
export const LABEL_WEIGHT = 1e-6;

function jobOf(environment: keyof typeof TRANSITIONS, preset: string, withJudge: boolean): Record<string, unknown> {
  const helpful = { kind: 'model', fit: 'retrieval', annotator: { goal: 'any', judge: { kind: 'scripted', delayMs: 2_000 } } };
  return {
    name: `${environment}-${withJudge ? 'on' : 'off'}`,
    environment: { kind: environment },
    policy: { preset },
    sources: { game: { kind: 'env' }, ...(withJudge ? { helpful } : {}) },
    combine: { op: 'linear', weights: { game: 1, ...(withJudge ? { helpful: LABEL_WEIGHT } : {}) } },
    learn: { batchSegments: 2 },
    rollout: { shards: 2, environmentsPerShard: 32, segmentSteps: 32 },
    schedule: { policyLagMax: 16 },
    evaluate: { episodes: 0 },
    stop: { transitions: TRANSITIONS[environment] },
    seed: 1,
  };
}

interface Measured {
  readonly transitionsPerSecond: number;
  readonly stepMsP99: number;
}

async function pipeline(job: Record<string, unknown>, ownSession: boolean): Promise<Measured> {
  const state = await mkdtemp(join(tmpdir(), 'laurel-bench-'));
  try {
    await runJob(job, state, { ownSession });
    const lines = await metricsOf(state, String(job['name']));
    const half = lines.slice(Math.floor(lines.length / 2));
    return { transitionsPerSecond: transitionsPerSecond(half), stepMsP99: median(half.map(({ values }) => values['rollout.stepMsP99']!)) };
  } finally {
    await rm(state, { recursive: true, force: true });
  }
}

export async function benchPipeline(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [environment, preset] of [['grid-world', 'tiny'], ['nethack', 'small']] as const) {
    const job = (withJudge: boolean): Record<string, unknown> => jobOf(environment, preset, withJudge);
    const turns = [];
    for (let turn = 0; turn < TURNS; turn++) turns.push({ loop: await runLoop(job(false)), alone: await pipeline(job(false), false) });
    const { mean: loopRate } = interval(turns.map(({ loop }) => (loop.transitions * 1_000) / loop.elapsedMs));
    const { mean: alone } = interval(turns.map(({ alone: one }) => one.transitionsPerSecond));
    rows.push({ what: `pipeline against one process, ${environment}`, unit: 'transitions/s', ours: alone, reference: loopRate, ratio: alone / loopRate });
    const [off, on] = await Promise.all([pipeline(job(false), true), pipeline(job(true), true)]);
    rows.push({ what: `annotator on (2 s a label) against off, ${environment}`, unit: 'transitions/s', ours: on.transitionsPerSecond, reference: off.transitionsPerSecond, ratio: on.transitionsPerSecond / off.transitionsPerSecond });
    rows.push({ what: `step p99, annotator on against off, ${environment}`, unit: 'ms', ours: on.stepMsP99, reference: off.stepMsP99, ratio: on.stepMsP99 / off.stepMsP99 });
  }
  return rows;
}
