/** The workflow `rescoringRun`: compares annotators or fits on the stored trajectories of a run, without playing again. */
import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import { z } from 'zod';
import { TASK_QUEUES, type AnnotatorActivities, type RescoringResult, type RescoringVariant, type RewardActivities } from '../proto/activities.js';
import type { SegmentRef } from '../proto/references.js';
import { rescoringSchema, type RescoringSpec } from '../proto/rescoring.js';
import { asksJudge, isTrained } from '../proto/reward-fits.js';

const base = { heartbeatTimeout: 15_000, retry: { initialInterval: '1s', maximumInterval: '30s' } } as const;
const annotator = proxyActivities<AnnotatorActivities>({ ...base, startToCloseTimeout: '24 hours', taskQueue: TASK_QUEUES.annotator });
const reward = proxyActivities<RewardActivities>({ ...base, startToCloseTimeout: '1 hour', taskQueue: TASK_QUEUES.reward });

/** Rewards that training used are left as they are: what comes out is a comparison, and an object of its own. */
export async function rescoringRun(input: unknown): Promise<RescoringResult> {
  const parsed = rescoringSchema.safeParse(input);
  if (!parsed.success) throw ApplicationFailure.create({ type: 'LAUREL_JOB_INVALID', message: z.prettifyError(parsed.error), nonRetryable: true });
  const spec = parsed.data;
  const segments = await reward.sampleSegments.executeWithOptions({ summary: `${spec.segments} segments of ${spec.run}` }, [{ run: spec.run, segments: spec.segments, seed: spec.seed }]);
  const variants: RescoringVariant[] = [];
  for (const variant of spec.variants) variants.push(await prepared(spec, variant, segments));
  return reward.rescore.executeWithOptions({ summary: variants.map(({ name }) => name).join(', ') }, [{ run: spec.run, segments, variants }]);
}

/** With the labels that there are, or that are made now, and with its newest model. */
async function prepared({ run, seed, annotate }: RescoringSpec, { name, source: rest }: RescoringSpec['variants'][number], segments: readonly SegmentRef[]): Promise<RescoringVariant> {
  const source = { kind: 'model' as const, ...rest };
  if (!asksJudge(source.fit)) return { name, source, log: null, model: null };
  let log = await annotator.openAnnotator.executeWithOptions({ summary: name }, [{ annotator: source.annotator }]);
  if (annotate) {
    const call = { run, source: name, annotator: source.annotator, annotatorId: log.annotator, segments, drain: true, seed };
    log = (await annotator.annotate.executeWithOptions({ summary: `${name} · ${segments.length} segments` }, [call])).log;
  }
  if (!isTrained(source.fit)) return { name, source, log, model: null };
  const { model } = await reward.fit.executeWithOptions({ summary: `${name} · ${log.labels} labels` }, [{ source: name, log, fit: source.fit, threshold: source.annotator.threshold }]);
  return { name, source, log, model };
}
