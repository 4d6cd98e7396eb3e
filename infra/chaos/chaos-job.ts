/** The job that is disturbed: small, never idle, and with as many questions for its judge as the environment gives. */
import type { JobInput } from '../../proto/job.js';

export type ChaosEnvironment = 'grid-world' | 'nethack';

interface JudgedBy {
  readonly goals: readonly string[];
  /** Thought of the judge for one answer, shortest and longest. */
  readonly thinkMs: readonly [number, number];
  /** Deadline of a request. */
  readonly timeoutMs: number;
}

/** The grid world has some 50 messages: several annotators ask about each, and a slow judge makes them last for minutes. */
export const JUDGED_BY: Readonly<Record<ChaosEnvironment, JudgedBy>> = {
  'grid-world': {
    goals: ['find the key', 'unlock the door', 'reach the goal', 'see the world', 'never bump into anything', 'carry many things', 'walk far', 'find balls'],
    thinkMs: [1_000, 6_000],
    timeoutMs: 8_000,
  },
  nethack: { goals: ['gain levels and descend', 'find gold and good equipment'], thinkMs: [20, 200], timeoutMs: 3_000 },
};

export function chaosJob(name: string, environment: ChaosEnvironment, judgeUrl: string, seed: number, runMs: number): JobInput {
  const { goals, timeoutMs } = JUDGED_BY[environment];
  const judge = { kind: 'openai', baseUrl: judgeUrl, model: 'chaos', concurrency: 2, timeoutMs } as const;
  const prompt = environment === 'grid-world' ? 'grid-v2' : 'helpful-v1';
  const sources = goals.map((goal, index) => [`judge${index + 1}`, { kind: 'model', fit: 'retrieval', annotator: { goal, prompt, judge, callMs: 3_000, pendingMax: 500 } }] as const);
  return {
    name,
    environment: environment === 'grid-world' ? { kind: 'grid-world', rooms: 4, distractors: 8, episodeStepsMax: 120 } : { kind: 'nethack', episodeStepsMax: 500 },
    policy: { preset: 'tiny' },
    sources: { game: { kind: 'env' }, ...Object.fromEntries(sources) },
    shape: [{ op: 'episodic-count-decay', on: 'judge1' }],
    combine: { op: 'linear', weights: Object.fromEntries([['game', 1], ...sources.map(([source]) => [source, 0.2] as const)]) },
    learn: { batchSegments: 2, epochs: 4 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 32 },
    // Small limits, so that continue-as-new and checkpoints come under faults too.
    schedule: { policyLagMax: 8, collectMs: 500, checkpointVersions: 10, historyEventsMax: 400, evaluateVersions: 2_000 },
    evaluate: { episodes: 4, environments: 4 },
    stop: { runMs },
    seed,
  };
}
