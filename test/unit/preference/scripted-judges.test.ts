/** Judges who follow a script: principles over lists, and rubrics from contrasts. Numbers by hand. */
import { describe, expect, it } from 'vitest';
import { modelJobSchema } from '../../../proto/preference-job.js';
import { trainingTables } from '../../../proto/preference-plan.js';
import { scorerSchema, type ScorerSpecOf } from '../../../proto/preference-sources.js';
import type { CurateSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../../../workers/preference/dataset.js';
import { answerOf, listwiseScores, maskedName, principleWeights, readAnswer } from '../../../workers/preference/listwise-judge.js';
import { commonRubric, contrastiveRubric, judgedBy, reproduced, rubricsOf, rubricTable, rubricScores, VETO_FLOOR } from '../../../workers/preference/rubrics.js';
import { BROKEN_COST, makeCriteria, trueScore } from '../../../workers/preference/workloads/criteria.js';

const column = (values: readonly number[]): { width: number; values: Float32Array } => ({ width: 1, values: Float32Array.from(values) });

describe('a listwise judge', () => {
  it('reads from a principle what is preferred and what is avoided', () => {
    const columns = ['brief', 'deep', 'warm'];
    expect(principleWeights('Prefer brief answers. Avoid deep or warm ones.', columns)).toEqual({ brief: 1, deep: -1, warm: -1 });
    expect(() => principleWeights('Prefer what is good.', columns)).toThrow(/expected a principle that names a column \(brief, deep, warm\)/);
  });

  it('writes a score from 1 to 5 for each name, the worst 1 and the best 5, and a ranking', () => {
    expect(answerOf([0, 1, 0.25])).toBe('A: 1, B: 5, C: 2; B > C > A');
    expect(answerOf([2, 2])).toBe('A: 3, B: 3; A > B');
    expect([0, 25, 26, 27].map(maskedName)).toEqual(['A', 'Z', 'AA', 'AB']);
  });

  it('gives each score to the candidate that was shown at its place', () => {
    // Candidate 2 stood first, then 0, then 1.
    expect(readAnswer('A: 1, B: 5, C: 2; B > C > A', [2, 0, 1])).toEqual([5, 2, 1]);
    for (const text of ['A: 1, B: 5; B > A', 'A: 1, B: 5, C: 7; B', 'A: 1, A: 5, C: 2; C']) expect(() => readAnswer(text, [2, 0, 1])).toThrow(/expected a score from 1 to 5 for each of 3 names/);
  });

  it('scores the same in whatever order candidates are shown, list by list', () => {
    const data: Dataset = { rows: 6, units: { brief: column([3, 1, 2, 0, 10, 4]) }, pairs: null, lists: { start: Int32Array.of(0, 3), size: Int32Array.of(3, 3) }, facts: {} };
    const scores = [0, 1, 2, 3].map((order) => [...listwiseScores(scorerSchema.parse({ kind: 'listwise-judge', principle: 'prefer brief', order }) as ScorerSpecOf<'listwise-judge'>, data, 7)]);
    // 4 of 0 .. 10 is 0.4 of the way: 1 + round(1.6).
    for (const one of scores) expect(one).toEqual([5, 1, 3, 1, 5, 3]);
  });
});

describe('rubrics from contrasts', () => {
  const preferred = { criteria: [1, 0, 2, -1], rules: [1, 1, 0] };
  const rejected = { criteria: [0, 0.5, -1, -1], rules: [1, 0, 0] };

  it('name a rule that only the rejected answer breaks, and where the preferred one is furthest ahead', () => {
    // Ahead by 1, -0.5, 3, 0.
    expect(contrastiveRubric(preferred, rejected, 2)).toEqual({ rule: 1, principles: [0, 2] });
    expect(contrastiveRubric(rejected, preferred, 1)).toEqual({ rule: null, principles: [1] });
  });

  it('veto a broken rule, else give the mean of the principles', () => {
    const rubric = { rule: 1, principles: [0, 2] };
    expect([judgedBy(rubric, preferred), judgedBy(rubric, rejected)]).toEqual([1.5, VETO_FLOOR]);
  });

  it('agree on the most frequent', () => {
    expect(commonRubric([{ rule: 0, principles: [1, 2] }, { rule: null, principles: [2, 3] }, { rule: 2, principles: [2, 3] }, { rule: 2, principles: [0, 1] }], 2)).toEqual({ rule: 2, principles: [1, 2] });
    expect(commonRubric([], 2)).toEqual({ rule: null, principles: [] });
  });

  const spec: CurateSpecOf<'rubrics'> = { op: 'rubrics', from: 'train', size: 2, noise: 0.5 };
  const tables = makeCriteria(modelJobSchema.parse({ name: 'x', data: { kind: 'criteria', pairs: 300, testPairs: 300, lists: 4 } }).data as Parameters<typeof makeCriteria>[0], 3);

  it('are kept exactly where they give the label again, and come back from their table', () => {
    const kept = rubricTable(spec, tables['train']!, 3);
    expect(kept.pairs!.count).toBeGreaterThan(100);
    expect(kept.pairs!.count).toBeLessThan(300);
    expect(reproduced(spec, kept, 3).every(Boolean)).toBe(true);
    for (const { principles } of rubricsOf(kept.pairs!)) expect(principles).toHaveLength(2);
    // Without the selection some rubrics do not: the writer sees other noise than the judge.
    const all = { ...kept, pairs: { ...kept.pairs!, columns: { ...kept.pairs!.columns, principles: kept.pairs!.columns['principles']!.map(() => 3) } } };
    expect(reproduced(spec, all, 3).every(Boolean)).toBe(false);
  });

  it('make a judge who vetoes and one without who does not', () => {
    const kept = rubricTable(spec, tables['train']!, 3);
    const judge = (rubrics: string | null): ScorerSpecOf<'rubric-judge'> => scorerSchema.parse({ kind: 'rubric-judge', rubrics }) as ScorerSpecOf<'rubric-judge'>;
    expect([...rubricScores(judge('rubrics'), kept, tables['test']!, 3)].filter((score) => score === VETO_FLOOR).length).toBeGreaterThan(20);
    expect([...rubricScores(judge(null), null, tables['test']!, 3)].filter((score) => score === VETO_FLOOR)).toEqual([]);
  });

  it('count as fitted on the table they were written from', () => {
    const job = modelJobSchema.parse({ name: 'x', data: { kind: 'criteria' }, curate: { rubrics: { op: 'rubrics', from: 'train' } }, sources: { judge: { kind: 'rubric-judge', rubrics: 'rubrics' } }, evaluate: {} });
    expect(trainingTables(job, 'judge')).toEqual(new Set(['rubrics', 'train']));
  });
});

describe('the workload of criteria', () => {
  it('counts what the topic cares for, and a broken rule of the topic above all', () => {
    expect(trueScore({ criteria: [0, 2], rule: 1 }, [1, 5, 2], [0, 1, 0])).toBe(3);
    expect(trueScore({ criteria: [0, 2], rule: 1 }, [1, 5, 2], [1, 0, 1])).toBe(3 - BROKEN_COST);
  });
});
