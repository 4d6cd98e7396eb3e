/** What rubrics do: whether the kept ones give their labels again, and whether a broken hard rule is a veto. */
import { LaurelError } from '../../../proto/errors.js';
import type { ModelEvaluationOf } from '../../../proto/preference-evaluate.js';
import { pairsOf } from '../dataset.js';
import { reproduced, VETO_FLOOR } from '../rubrics.js';
import { exact, sampled, type Evaluated, type EvaluationContext } from './evaluation.js';

export async function rubricFigures(spec: ModelEvaluationOf<'rubrics'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const { job } = scoring.options;
  const source = job.sources[spec.of];
  const table = source?.kind === 'rubric-judge' ? source.rubrics : null;
  const made = table === null ? undefined : job.curate[table];
  if (table === null || made?.op !== 'rubrics') throw new LaurelError('LAUREL_JOB_INVALID', `expected a source of kind rubric-judge with a table that {"op": "rubrics"} made in evaluate.*.of, got ${spec.of}`);
  const kept = scoring.table(table);
  const scores = await scoring.scalar(spec.of, data);
  const pairs = pairsOf(data, 'an evaluation of rubrics');
  const vetoed = Array.from({ length: pairs.count }, (_, pair) => [scores[pairs.first[pair] as number], scores[pairs.second[pair] as number]] as [number, number]).filter(([first, second]) => (first === VETO_FLOOR) !== (second === VETO_FLOOR));
  return {
    items: pairs.count,
    means: {
      reproduced: sampled(reproduced(made, kept, job.seed).map((one) => (one ? 1 : 0))),
      kept: exact(pairsOf(kept, 'rubrics').count / Number(kept.facts['pairsBefore'])),
      'veto.share': exact(vetoed.length / pairs.count),
      'veto.held': sampled(vetoed.map(([first, second]) => (Math.min(first, second) === VETO_FLOOR && Math.max(first, second) > VETO_FLOOR ? 1 : 0))),
    },
  };
}
