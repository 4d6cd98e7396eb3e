/** The trainee of a job, by the kind of its learner. */
import { createActorCritic } from './actor-critic-trainee.js';
import { createTextTrainee } from './text/text-trainee.js';
import type { WarmStarts } from './text/warm-start.js';
import type { Trainee, TraineeContext } from './trainee.js';

/** @throws LaurelError LAUREL_JOB_INVALID, LAUREL_ENVIRONMENT_FAILED, LAUREL_ASSET_MISSING */
export function createTrainee(context: TraineeContext, warmStarts: WarmStarts): Promise<Trainee> {
  return context.job.learn.kind === 'actor-critic' ? createActorCritic(context) : createTextTrainee(context, warmStarts);
}
