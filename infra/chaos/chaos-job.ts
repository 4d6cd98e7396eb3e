/** The job that is disturbed: small, never idle, and with a judge that never runs out of questions. */
import type { JobInput } from '../../proto/job.js';

export type ChaosEnvironment = 'grid-world' | 'nethack';

/** The grid world has few messages, so several annotators ask about each of them. */
const GOALS = {
  'grid-world': ['find the key, unlock the door and reach the goal', 'see as much of the world as possible', 'never bump into anything', 'carry as many things as possible'],
  nethack: ['gain levels and descend', 'find gold and good equipment'],
} as const;

export function chaosJob(name: string, environment: ChaosEnvironment, judgeUrl: string, seed: number, runMs: number): JobInput {
  const goals = GOALS[environment];
  const judge = { kind: 'openai', baseUrl: judgeUrl, model: 'chaos', concurrency: 2, timeoutMs: 3_000 } as const;
  const prompt = environment === 'grid-world' ? 'grid-v2' : 'helpful-v1';
  const sources = goals.map((goal, index) => [`judge${index + 1}`, { kind: 'model', fit: 'retrieval', annotator: { goal, prompt, judge, callMs: 2_000, pendingMax: 500 } }] as const);
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
