import { describe, expect, it } from 'vitest';
import type { EvaluateInput } from '../../../proto/activities.js';
import { encodeEvaluation, type EvaluationRecord } from '../../../workers/rollout/evaluation-record.js';
import type { EvaluatedEpisode } from '../../../workers/rollout/evaluation.js';

const input = { run: 'r', policy: { version: 3, artifact: { digest: 'd' } }, suite: 'policy', seed: 1, environments: 2, episodes: 5 } as unknown as EvaluateInput;

function recordOf(episodes: readonly Partial<EvaluatedEpisode>[]): EvaluationRecord {
  const all = episodes.map((one, index): EvaluatedEpisode => ({ index, ended: 'terminated', length: 1, returns: [0], statistics: [], distinctMessages: 0, messages: [], ...one }));
  return JSON.parse(Buffer.from(encodeEvaluation(input, { episodes: all, rewards: ['score'], episodeStatistics: [] })).toString()) as EvaluationRecord;
}

describe('the record of an evaluation', () => {
  it('has means of its own for the episodes of each tag', () => {
    const { means, episodes } = recordOf([
      { tag: 'low', returns: [1], length: 4 },
      { tag: 'high', returns: [5] },
      { tag: 'low', returns: [2], length: 6 },
      { tag: 'high', returns: [7] },
      { tag: 'low', returns: [100], ended: 'failed' },
    ]);
    expect([means['return.score']?.mean, means['return.score@low']?.mean, means['return.score@high']?.mean, means['length@low']?.mean]).toEqual([3.75, 1.5, 6, 5]);
    expect(episodes.map((one) => one.tag)).toEqual(['low', 'high', 'low', 'high', 'low']);
  });

  it('says nothing of tags where there are none', () => {
    const { means, episodes } = recordOf([{ returns: [1] }, { returns: [2] }]);
    expect(Object.keys(means).sort()).toEqual(['distinctMessages', 'length', 'return.score']);
    expect('tag' in (episodes[0] as object)).toBe(false);
  });
});
