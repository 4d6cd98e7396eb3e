/** The job whose disk is full, read-only or slow. */
import type { JobInput } from '../../proto/job.js';

/** @param url of its judge, OpenAI-compatible */
export function diskJob(name: string, url: string): JobInput {
  return {
    name,
    environment: { kind: 'grid-world', episodeStepsMax: 60 },
    policy: { preset: 'tiny' },
    sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', prompt: 'grid-v2', judge: { kind: 'openai', baseUrl: url, model: 'any' } } } },
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2 },
    rollout: { shards: 1, environmentsPerShard: 8, segmentSteps: 16 },
    evaluate: { episodes: 0 },
    stop: { runMs: 3_600_000 },
    seed: 4,
  };
}
