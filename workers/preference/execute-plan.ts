/** All steps of a run without rollouts in one process, without Temporal: what `laurel verify` does again, and tests. */
import type { MadeParts, ModelRef } from '../../proto/preference-activities.js';
import type { ModelJob } from '../../proto/preference-job.js';
import { planSteps, type PlannedStep } from '../../proto/preference-plan.js';
import type { ArtifactRef, EvaluationRef } from '../../proto/references.js';
import type { ModelRunner } from './model-runner.js';

/** The parts that a step reads, out of all that there are. */
export function partsOf(step: PlannedStep, all: MadeParts): MadeParts {
  const chosen = <T>(names: readonly string[], from: Readonly<Record<string, T>>): Record<string, T> => Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name] as T]] : [])));
  return { tables: chosen(step.needs.tables, all.tables), models: chosen(step.needs.models, all.models) };
}

/** @param onStep before each step */
export async function executePlan(runner: ModelRunner, run: string, job: ModelJob, onStep: (step: PlannedStep, index: number, of: number) => void = () => undefined): Promise<readonly EvaluationRef[]> {
  const made: { tables: Record<string, ArtifactRef>; models: Record<string, ModelRef> } = { tables: { ...(await runner.makeTables({ run, job })).tables }, models: {} };
  const evaluations: EvaluationRef[] = [];
  const steps = planSteps(job);
  for (const [index, step] of steps.entries()) {
    onStep(step, index, steps.length);
    const { name } = step;
    const parts = partsOf(step, made);
    if (step.kind === 'curate') made.tables[name] = await runner.curateTable({ run, name, ...parts });
    else if (step.kind === 'evaluate') evaluations.push(await runner.evaluateModel({ run, name, index: evaluations.length, ...parts }));
    else {
      let parent: ArtifactRef | null = null;
      for (let from = 0; from < step.steps; from += job.schedule.stepsPerCall) {
        const { checkpoint, model } = await runner.fitModel({ run, name, parent, from, to: Math.min(step.steps, from + job.schedule.stepsPerCall), ...parts });
        parent = checkpoint;
        if (model) made.models[name] = model;
      }
    }
  }
  return evaluations;
}
