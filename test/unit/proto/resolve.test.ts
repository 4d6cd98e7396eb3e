import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LaurelError } from '../../../proto/errors.js';
import { jobJsonSchema, resolveJob, type JobIssue } from '../../../proto/resolve.js';

const minimal = (): Record<string, any> => ({
  name: 'minimal',
  environment: { kind: 'grid-world' },
  sources: { goal: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } },
  combine: { op: 'linear', weights: { goal: 1 } },
  stop: { transitions: 1000 },
});

function faults(job: unknown): { code: string; issues: readonly JobIssue[] } {
  try {
    resolveJob(job);
  } catch (error) {
    expect(error).toBeInstanceOf(LaurelError);
    return { code: (error as LaurelError).code, issues: (error as LaurelError).details['issues'] as JobIssue[] };
  }
  throw new Error('expected the job to be refused');
}

describe('resolveJob', () => {
  it('fills in every default, and resolving twice changes nothing', () => {
    const job = resolveJob(minimal());
    expect(job.learn).toMatchObject({ kind: 'actor-critic', correction: 'v-trace', discount: 0.99 });
    expect(job.sources['helpful']).toMatchObject({ unknown: 'omit', annotator: { mode: 'pointwise', answer: 'binary', threshold: 0.5 } });
    expect(resolveJob(JSON.parse(JSON.stringify(job)))).toEqual(job);
  });

  it.each([
    ['an unknown key at the top', { stpo: {} }, 'stpo', 'did you mean stop?'],
    ['an unknown key within a union', { environment: { kind: 'nethack', taks: 'score' } }, 'environment.taks', 'did you mean task?'],
    ['a wrong value', { learn: { discount: 2 } }, 'learn.discount', 'got 2'],
    ['a weight for no source', { combine: { op: 'linear', weights: { gaol: 1 } } }, 'combine.weights.gaol', 'did you mean goal?'],
    ['a shape on an env source', { shape: [{ op: 'episodic-count-decay', on: 'goal' }] }, 'shape.0.on', 'reads messages'],
    ['no stop criterion', { stop: {} }, 'stop', 'at least one of'],
    ['evaluation on the training seed', { seed: 5, evaluate: { seed: 5 } }, 'evaluate.seed', 'not the training seed'],
    ['a secret in clear text', { sources: { helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'g', judge: { kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', model: 'm', apiKey: 'sk-1' } } } } }, 'sources.helpful.annotator.judge.apiKey', 'expected object'],
    ['a pattern that is none', { sources: { rule: { kind: 'rule', rule: { kind: 'first-match', rules: [{ match: 'regex', pattern: '(', value: 1 }] } } }, combine: { op: 'linear', weights: {} } }, 'sources.rule.rule.rules.0.pattern', 'expected a regular expression'],
  ])('refuses %s and names the place', (_what, change, path, message) => {
    const { issues } = faults({ ...minimal(), ...change });
    const issue = issues.find((one) => one.path === path);
    expect(issue, JSON.stringify(issues)).toBeDefined();
    expect(issue?.message).toContain(message);
  });

  it('lists every fault at once', () => {
    const { issues } = faults({ ...minimal(), learn: { discount: 2, lamda: 1 }, seed: -1 });
    expect(issues.map((issue) => issue.path).sort()).toEqual(['learn.discount', 'learn.lamda', 'seed']);
  });

  it('has a code of its own for an unknown environment, and lists the known ones', () => {
    const { code, issues } = faults({ ...minimal(), environment: { kind: 'nethck' } });
    expect(code).toBe('LAUREL_ENVIRONMENT_UNKNOWN');
    expect(issues[0]?.message).toContain("'nethack'");
  });

  it.each([null, 1, 'job', []])('refuses %j', (input) => {
    expect(faults(input).code).toBe('LAUREL_JOB_INVALID');
  });
});

describe('the job schema', () => {
  it('describes every field, for editors', () => {
    const undescribed: string[] = [];
    const walk = (node: any, path: string): void => {
      for (const [key, property] of Object.entries<any>(node.properties ?? {})) {
        const tag = property.const !== undefined;
        if (!tag && property.description === undefined && property.$ref === undefined && !(property.anyOf ?? property.oneOf) && property.type !== 'object') undescribed.push(`${path}.${key}`);
        walk(property, `${path}.${key}`);
      }
      for (const inner of [...(node.anyOf ?? []), ...(node.oneOf ?? []), node.items, typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined]) if (inner) walk(inner, path);
    };
    walk(jobJsonSchema(), 'job');
    expect(undescribed).toEqual([]);
  });

  it('accepts every shipped example', () => {
    const folder = new URL('../../../examples/', import.meta.url);
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    expect(names).toContain('nethack-oni.json');
    for (const name of names) expect(() => resolveJob(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))), name).not.toThrow();
  });
});
