/**
 * Every error that Laurel raises has one of these codes. The code is the `type` of the Temporal ApplicationFailure, the
 * first word in the log line and the heading in docs/errors.md; it never changes its meaning.
 */
export const ERROR_TABLE = {
  LAUREL_JOB_INVALID: { retryable: false, meaning: 'The job file does not say a job that can run.', action: 'Correct the field that the message names; `laurel schema` prints all fields.' },
  LAUREL_UPDATE_REFUSED: { retryable: false, meaning: 'A run was told something that cannot be: a step that is not parked, a choice that it does not have, a field that does not exist.', action: 'Look at `laurel status <run>` and send what the message asks for; the run was not changed.' },
  LAUREL_REWARD_GRANULARITY: { retryable: false, meaning: 'Values of different units (token, step, segment, episode) are combined, or the learner trains on other units.', action: 'Bring one of them to the units of the other with `assign`.' },
  LAUREL_REWARD_WIDTH: { retryable: false, meaning: 'A vector stands where one number is wanted, or vectors with different elements are combined.', action: 'Name one element as `source.element`, or give each element a value head.' },
  LAUREL_REWARD_CONTEXT: { retryable: false, meaning: 'A weight is asked of each request, where requests bring nothing along.', action: 'Use a number or a schedule.' },
  LAUREL_REWARD_THRESHOLD: { retryable: false, meaning: 'The threshold of a constraint lies outside of what its term can be.', action: 'Give it in the units of the term, or correct the range of its source.' },
  LAUREL_REWARD_STATE_HIDDEN: { retryable: false, meaning: 'A warning: a reward depends on a state of the episode that the policy does not see.', action: 'Use a recurrent policy, or a reward of single steps; the run goes on.' },
  LAUREL_REWARD_CACHED: { retryable: false, meaning: 'Values of a source whose version moves during training are to be kept.', action: 'Leave `cache` out, or use a fit that never changes.' },
  LAUREL_RELATION_MISSING: { retryable: false, meaning: 'A learner of preferences is pointed at a table without pairs.', action: 'Name a table with pairs.' },
  LAUREL_LEARNER_OFFLINE: { retryable: false, meaning: 'A learner that learns from stored tables stands in a job with an environment.', action: 'Give `data` in place of `environment`, or use a learner that collects.' },
  LAUREL_EVALUATION_OVERLAP: { retryable: false, meaning: 'Something is judged on what it was trained on.', action: 'Name another table, or another seed.' },
  LAUREL_REWARD_NOT_CAUSAL: { retryable: false, meaning: 'A value of an episode would be given to steps that are trained on before the episode has ended.', action: 'Give it to the last step (`"rule": "last"`).' },
  LAUREL_ENVIRONMENT_UNKNOWN: { retryable: false, meaning: 'No environment of that kind or task is registered.', action: 'Use a kind that the message lists, or register your own.' },
  LAUREL_ENVIRONMENT_FAILED: { retryable: true, meaning: 'An environment could not be started, or died.', action: 'See the worker log; the episode is recorded as failed and the shard goes on.' },
  LAUREL_ENVIRONMENT_NONDETERMINISTIC: { retryable: false, meaning: 'Replaying an episode from its seed and actions gave other observations.', action: 'Check that the environment takes all randomness from its seed.' },
  LAUREL_ASSET_MISSING: { retryable: false, meaning: 'A file that this job needs (game library, model, server) is not there and could not be fetched.', action: 'Run `laurel doctor`; it tells how each file is got.' },
  LAUREL_ASSET_CORRUPT: { retryable: false, meaning: 'A fetched file does not have the digest it must have.', action: 'Delete the file that the message names and run again.' },
  LAUREL_SERVER_UNREACHABLE: { retryable: true, meaning: 'Temporal did not answer at the address given.', action: 'Start it, or correct TEMPORAL_ADDRESS or the profile.' },
  LAUREL_JUDGE_UNAVAILABLE: { retryable: true, meaning: 'The judge could not be reached or is over its limits.', action: 'Training goes on with known labels; annotation resumes when the judge answers.' },
  LAUREL_JUDGE_REFUSED: { retryable: false, meaning: 'The judge refuses every request (key, model name, path).', action: 'Correct the judge in the job or the key in the environment variable it names.' },
  LAUREL_JUDGE_UNSUITED: { retryable: false, meaning: 'A judge is to be asked in a way that it cannot answer, or about more than one question holds.', action: 'Use another kind of judge or another mode, or make groups smaller; the message says which.' },
  LAUREL_LABELS_INVALID: { retryable: false, meaning: 'A file with labels cannot be read as such.', action: 'Correct the row that the message names; nothing of the file was taken.' },
  LAUREL_ANNOTATOR_UNKNOWN: { retryable: false, meaning: 'The store holds no annotator, or several, whose id begins so.', action: '`laurel labels list` shows all.' },
  LAUREL_SECRET_MISSING: { retryable: false, meaning: 'The environment variable that a job names for a secret is not set on the worker.', action: 'Set the variable where the worker starts.' },
  LAUREL_STORE_CONFLICT: { retryable: false, meaning: 'An artefact of that name exists with other content.', action: 'Two different computations claim one name; keep the first and report this.' },
  LAUREL_STORE_CORRUPT: { retryable: false, meaning: 'An artefact does not have the length or digest of its reference.', action: 'The artefact is never used; it is made again or its segment is recorded as failed(storage).' },
  LAUREL_STORE_MISSING: { retryable: true, meaning: 'An artefact that a reference names is not in the store.', action: 'Check that all workers see the same store. What follows from other artefacts is made again by itself.' },
  LAUREL_STORE_UNAVAILABLE: { retryable: true, meaning: 'The store cannot be read or written (disk or bucket full, no permission, nobody answers).', action: 'Make room, mend permissions, or what else the message says; the step is tried again.' },
  LAUREL_KEY_INVALID: { retryable: false, meaning: 'A store key leaves its root or has a character that keys must not have.', action: 'Use names of letters, digits, dot, dash and underscore.' },
  LAUREL_SCHEMA_MISMATCH: { retryable: false, meaning: 'An artefact was written with another schema or schema version than this reader knows.', action: 'Use the version of Laurel that wrote it, or start a new run.' },
  LAUREL_TRANSPORT_FAILED: { retryable: true, meaning: 'A Flight call failed or passed its deadline.', action: 'Retried; the store is read where the peer is gone.' },
  LAUREL_MODEL_INVALID: { retryable: false, meaning: 'A model file cannot be loaded, or its inputs and outputs are not the ones expected.', action: 'Compare the file with the inputs and outputs that the message names.' },
  LAUREL_REWARD_INPUT_MISSING: { retryable: false, meaning: 'A rule or program looks for something that a unit does not have.', action: 'Look at the path or name in the message: what a unit has follows from the environment.' },
  LAUREL_PROGRAM_INVALID: { retryable: false, meaning: 'A program (expression, JavaScript, pattern, schema) cannot be read, or its types do not fit.', action: 'Correct it at the line and column that the message names.' },
  LAUREL_PROGRAM_FUEL: { retryable: false, meaning: 'A program used up its operations.', action: 'Look for a loop that does not end, or raise `operationsMax`.' },
  LAUREL_PROGRAM_MEMORY: { retryable: false, meaning: 'A program needs more memory than it may.', action: 'Keep less, or raise `memoryBytes`.' },
  LAUREL_PROGRAM_STACK: { retryable: false, meaning: 'A program calls itself too deeply.', action: 'Look for a recursion that does not end, or raise `stackBytes`.' },
  LAUREL_PROGRAM_TIME: { retryable: false, meaning: 'A program did not come back, within its fuel.', action: 'Its unit is not recorded, since time is not the same twice: shorten what its built-in operations work on.' },
  LAUREL_PROGRAM_REFUSED: { retryable: false, meaning: 'A program uses what programs do not have: imports, files, network, clock, random numbers, code from text.', action: 'Compute from the unit alone.' },
  LAUREL_PROGRAM_FAILED: { retryable: false, meaning: 'A program threw, or gave no finite number.', action: 'The unit is masked with status error, or the step is parked: see `onError`.' },
  LAUREL_NUMBER_INVALID: { retryable: false, meaning: 'A computation gave a number that is not finite.', action: 'The step is not recorded; lower the learning rate or look at the rewards of the segments named.' },
  LAUREL_INVARIANT_VIOLATED: { retryable: false, meaning: 'Something that must always hold did not.', action: 'This is a defect of Laurel: report it with the run folder.' },
  LAUREL_WORKER_FAILED: { retryable: true, meaning: 'A worker process or thread died during the call.', action: 'It is started again and the call repeated.' },
} as const satisfies Record<string, { retryable: boolean; meaning: string; action: string }>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** An error with a stable code. `message` says what was expected, what came, and what to do. */
export class LaurelError extends Error {
  override readonly name = 'LaurelError';
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: Readonly<Record<string, unknown>> = {},
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }

  get retryable(): boolean {
    return ERROR_TABLE[this.code].retryable;
  }
}

/** The code of any thrown value, or undefined where it is not one of ours. */
export function errorCodeOf(error: unknown): ErrorCode | undefined {
  if (error instanceof LaurelError) return error.code;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code in ERROR_TABLE ? (code as ErrorCode) : undefined;
}
