import { describe, expect, it } from 'vitest';
import type { LaurelError } from '../../../proto/errors.js';
import { planSteps } from '../../../proto/preference-plan.js';
import { isModelJob, resolveAnyJob, resolveModelJob, type JobIssue } from '../../../proto/resolve.js';

const BASE = {
  name: 'small',
  data: { kind: 'users', pairs: 20, testPairs: 20 },
  sources: { reward: { kind: 'model', fit: { kind: 'bradley-terry', on: 'train' } } },
  evaluate: { test: { kind: 'preference-accuracy', of: 'reward', on: 'test' } },
};

function issues(job: unknown): readonly JobIssue[] {
  try {
    resolveModelJob(job);
  } catch (error) {
    expect(['LAUREL_JOB_INVALID', 'LAUREL_EVALUATION_OVERLAP']).toContain((error as LaurelError).code);
    return (error as LaurelError).details['issues'] as JobIssue[];
  }
  return [];
}

describe('a job without rollouts', () => {
  it('is told from a training job by its shape, and an evaluation alone is one', () => {
    expect(isModelJob(resolveAnyJob(BASE))).toBe(true);
    expect(isModelJob(resolveAnyJob({ name: 'only', data: { kind: 'lists' }, sources: { gold: { kind: 'column', column: 'gold' } }, evaluate: { lists: { kind: 'best-of-list', of: 'gold', on: 'lists' } } }))).toBe(true);
    expect(() => resolveAnyJob({ name: 'x', environment: { kind: 'grid-world' } })).toThrow(/sources/);
  });

  it('names an unknown key with the nearest one that is known', () => {
    expect(issues({ ...BASE, data: { kind: 'users', pears: 3 } })).toEqual([{ path: 'data.pears', message: 'unknown key; did you mean pairs?' }]);
  });

  it.each<[string, object, string, RegExp]>([
    ['a table that is not there', { sources: { reward: { kind: 'model', fit: { kind: 'bradley-terry', on: 'trian' } } } }, 'sources.reward', /name of a table, got trian; did you mean train/],
    ['a source that is not there', { evaluate: { test: { kind: 'preference-accuracy', of: 'rewards', on: 'test' } } }, 'evaluate.test', /name of a source, got rewards/],
    ['an evaluation on what the source was fitted on', { evaluate: { test: { kind: 'preference-accuracy', of: 'reward', on: 'train' } } }, 'evaluate.test.on', /no fit of reward has seen/],
    ['an evaluation on what the training table was curated from', { curate: { clean: { op: 'consistent', from: 'train', by: ['reward'] } }, sources: { ...BASE.sources, second: { kind: 'model', fit: { kind: 'bradley-terry', on: 'clean' } } }, evaluate: { test: { kind: 'preference-accuracy', of: 'second', on: 'train' } } }, 'evaluate.test.on', /no fit of second has seen/],
    ['an adapted source of a fit without users', { sources: { ...BASE.sources, known: { kind: 'adapted', of: 'reward', context: 'context' } } }, 'sources.known.of', /mixture, ideal-point or variational, got reward \(bradley-terry\)/],
    ['a gate over what has no heads', { sources: { ...BASE.sources, gate: { kind: 'model', fit: { kind: 'gate', on: 'train', heads: 'reward' } } } }, 'sources.gate.fit.heads', /regression/],
    ['MODPO without a weight to divide by', { learn: { policy: { kind: 'preference', loss: 'modpo', on: 'train', weights: [0, 1] } } }, 'learn.policy.weights', /above 0/],
    ['a dynamic beta without a margin', { learn: { policy: { kind: 'preference', loss: 'dynamic-beta', on: 'train' } } }, 'learn.policy.margin', /margin/],
    ['one name for a source and a policy', { learn: { reward: { kind: 'preference', on: 'train' } } }, 'learn.reward', /another name/],
    ['a policy figure of a source', { evaluate: { test: { kind: 'policy', of: 'reward', on: 'test' } } }, 'evaluate.test.of', /learned policy/],
  ])('is refused for %s', (_what, change, path, message) => {
    const found = issues({ ...BASE, ...change });
    expect(found.find((one) => one.path === path)?.message).toMatch(message);
  });

  it('is refused where parts need each other in a circle', () => {
    const found = issues({ ...BASE, sources: { a: { kind: 'combine', op: 'mean', of: { b: 1 } }, b: { kind: 'combine', op: 'mean', of: { a: 1 } } }, evaluate: {} });
    expect(found[0]?.message).toMatch(/circle, got (a -> b -> a|b -> a -> b)/);
  });
});

describe('the plan of a job', () => {
  it('makes everything before it is needed, whatever the order of the keys', () => {
    const job = resolveModelJob({
      ...BASE,
      curate: { clean: { op: 'consistent', from: 'train', by: ['both'] } },
      sources: { z: { kind: 'model', fit: { kind: 'bradley-terry', on: 'train' } }, both: { kind: 'combine', op: 'mean', of: { z: 1 } }, a: { kind: 'model', fit: { kind: 'bradley-terry', on: 'clean' } } },
      evaluate: { test: { kind: 'preference-accuracy', of: 'a', on: 'test' } },
    });
    expect(planSteps(job).map(({ kind, name, needs }) => [kind, name, needs.tables, needs.models])).toEqual([
      ['fit', 'z', ['train'], []],
      ['curate', 'clean', ['train'], ['z']],
      ['fit', 'a', ['clean'], []],
      ['evaluate', 'test', ['test'], ['a']],
    ]);
    const reversed = { ...job, sources: Object.fromEntries(Object.entries(job.sources).reverse()) };
    expect(planSteps(reversed)).toEqual(planSteps(job));
  });
});
