/**
 * What Temporal, Flight and the store cost: a job through the whole pipeline against the same collect-and-learn loop in one
 * process. Two figures: transitions/s of wall time in the second half of the run (the pipeline plays and learns side by
 * side, the loop by turns), and what an annotator with a judge of 2 s a label takes from it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metricsOf, runJob, transitionsPerSecond } from './learning.js';
import { runLoop } from './loop.js';
import { median } from './peer.js';

export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  readonly reference: number;
  readonly ratio: number;
}

/** Trained transitions of each run: some 40 s on two cores. */
const TRANSITIONS = { 'grid-world': 1_500_000, nethack: 600_000 } as const;

function jobOf(environment: keyof typeof TRANSITIONS, preset: string, withJudge: boolean): Record<string, unknown> {
  const helpful = { kind: 'model', fit: 'retrieval', annotator: { goal: 'any', judge: { kind: 'scripted', delayMs: 2_000 } } };
  return {
    name: `${environment}-${withJudge ? 'on' : 'off'}`,
    environment: { kind: environment },
    policy: { preset },
    sources: { game: { kind: 'env' }, ...(withJudge ? { helpful } : {}) },
    combine: { op: 'linear', weights: { game: 1, ...(withJudge ? { helpful: 0.1 } : {}) } },
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

async function pipeline(job: Record<string, unknown>): Promise<Measured> {
  const state = await mkdtemp(join(tmpdir(), 'laurel-bench-'));
  try {
    await runJob(job, state);
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
    const loop = await runLoop(job(false));
    const off = await pipeline(job(false));
    const on = await pipeline(job(true));
    const loopRate = (loop.transitions * 1_000) / loop.elapsedMs;
    rows.push({ what: `pipeline against one process, ${environment}`, unit: 'transitions/s', ours: off.transitionsPerSecond, reference: loopRate, ratio: off.transitionsPerSecond / loopRate });
    rows.push({ what: `annotator on (2 s a label) against off, ${environment}`, unit: 'transitions/s', ours: on.transitionsPerSecond, reference: off.transitionsPerSecond, ratio: on.transitionsPerSecond / off.transitionsPerSecond });
    rows.push({ what: `step p99, annotator on against off, ${environment}`, unit: 'ms', ours: on.stepMsP99, reference: off.stepMsP99, ratio: on.stepMsP99 / off.stepMsP99 });
  }
  return rows;
}
