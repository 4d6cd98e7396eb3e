/**
 * Each choice at each kind of step that can be parked, made once by `laurel` and once by a plain Temporal client: it is
 * answered, does what it says, and is recorded with who and when. A choice that a step does not have is refused.
 */
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApplicationFailure, WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { addControl } from '../../infra/cli/commands/control.js';
import { TASK_QUEUES } from '../../proto/activities.js';
import { DECISIONS, type Attention, type Decision, type RunResult, type RunStatus } from '../../proto/status.js';
import { createFakes, smallJob, type Fakes } from './fakes.js';
import { createModelFakes, SMALL_MODEL_JOB, type ModelFakes } from './model-fakes.js';
import { newRunId, startTestServer, withWorkers, type TestServer } from './server.js';

type Activities = Fakes & ModelFakes;

interface Kind {
  /** How the parked step is named. */
  readonly step: string;
  readonly workflow?: 'rewardModelRun';
  readonly job: Readonly<Record<string, unknown>>;
  readonly activity: keyof Activities;
  /** Calls that fail until the cause is mended; default: all. */
  readonly fails?: (input: never) => boolean;
  /** Segments that the step holds; such a step can be voided. Absent: none. */
  readonly holds?: { readonly segments: number; readonly reason: string };
  /** Where it is: the first of all, beside loops that go on for ever, at the end. Default: within a run that ends by itself. */
  readonly place?: 'first' | 'endless' | 'end';
  /** Choices that are made; default: all. */
  readonly made?: readonly Decision[];
  /** Another step that parks in its wake, and is left out too. */
  readonly wake?: string;
}

const VERSIONS = 4;
const lockstep = (more: Record<string, unknown> = {}): Record<string, unknown> => smallJob({ schedule: { mode: 'lockstep', batchesPerCall: 1, evaluateVersions: 2 }, evaluate: { episodes: 4, untrained: true }, stop: { versions: VERSIONS }, ...more });
const endless = (more: Record<string, unknown> = {}): Record<string, unknown> => smallJob({ schedule: { segmentsPerCall: 2, batchesPerCall: 1, policyLagMax: 8, evaluateVersions: 2 }, evaluate: { episodes: 4 }, stop: { versions: 1_000_000 }, ...more });
const FITTED = { game: { kind: 'env' }, helpful: { kind: 'model', fit: { kind: 'classification', labelsMin: 8, labelsEvery: 1 }, annotator: { goal: 'open the door', judge: { kind: 'scripted' } } } };
const ofVersion = (version: number) => (input: { readonly policy: { readonly version: number } }) => input.policy.version === version;

const KINDS: readonly Kind[] = [
  { step: 'prepare the run', job: lockstep(), activity: 'prepareRun', place: 'first' },
  { step: 'open annotator helpful', job: lockstep(), activity: 'openAnnotator' },
  { step: 'evaluate version 0', job: lockstep(), activity: 'evaluate', fails: ofVersion(0) },
  { step: 'collect shard 1', job: lockstep(), activity: 'collect', fails: ({ shard }: { shard: number }) => shard === 1 },
  { step: 'annotate helpful', job: lockstep(), activity: 'annotate' },
  { step: 'fit helpful', job: lockstep({ sources: FITTED }), activity: 'fit' },
  { step: 'score 2 segments', job: lockstep(), activity: 'score', holds: { segments: 2, reason: 'scoring' } },
  { step: 'update version 1', job: lockstep(), activity: 'update', fails: ({ recordedOnly }: { recordedOnly?: boolean }) => recordedOnly !== true, holds: { segments: 2, reason: 'update' } },
  { step: 'update version 1', job: lockstep(), activity: 'update', holds: { segments: 2, reason: 'update' }, wake: 'look for version 1' },
  { step: 'evaluate version 2', job: lockstep(), activity: 'evaluate', fails: ofVersion(2) },
  { step: 'checkpoint 4', job: lockstep(), activity: 'writeCheckpoint', place: 'end' },
  { step: 'evaluate version 4', job: lockstep(), activity: 'evaluate', fails: ofVersion(VERSIONS), place: 'end' },
  { step: 'metrics part 0', job: lockstep(), activity: 'appendMetrics', place: 'end' },
  { step: 'write the summary', job: lockstep(), activity: 'finishRun', place: 'end' },
  { step: 'collect shard 1', job: endless(), activity: 'collect', fails: ({ shard }: { shard: number }) => shard === 1, place: 'endless' },
  { step: 'annotate helpful', job: endless(), activity: 'annotate', place: 'endless' },
  { step: 'fit helpful', job: endless({ sources: FITTED }), activity: 'fit', place: 'endless' },
  { step: 'score 2 segments', job: endless(), activity: 'score', holds: { segments: 2, reason: 'scoring' }, place: 'endless' },
  { step: 'update version 1', job: endless(), activity: 'update', fails: ({ recordedOnly }: { recordedOnly?: boolean }) => recordedOnly !== true, holds: { segments: 2, reason: 'update' }, place: 'endless' },
  { step: 'evaluate version', job: endless(), activity: 'evaluate', place: 'endless' },
  { step: 'metrics part 0', job: endless(), activity: 'appendMetrics', place: 'endless', made: ['skip'] },
  { step: 'make the tables', workflow: 'rewardModelRun', job: SMALL_MODEL_JOB, activity: 'makeTables', place: 'first' },
  { step: 'curate clean', workflow: 'rewardModelRun', job: SMALL_MODEL_JOB, activity: 'curateTable' },
  { step: 'fit first, steps 1-10', workflow: 'rewardModelRun', job: SMALL_MODEL_JOB, activity: 'fitModel', fails: ({ name }: { name: string }) => name === 'first' },
  { step: 'evaluate first', workflow: 'rewardModelRun', job: SMALL_MODEL_JOB, activity: 'evaluateModel', fails: ({ name }: { name: string }) => name === 'first' },
  { step: 'metrics part 0', workflow: 'rewardModelRun', job: SMALL_MODEL_JOB, activity: 'appendMetrics', place: 'end' },
  { step: 'write the summary', workflow: 'rewardModelRun', job: SMALL_MODEL_JOB, activity: 'finishRun', place: 'end' },
];

/** Runs whose cause is not mended yet, with what fails in them. */
const broken = new Map<string, Kind>();

/** All activities of all runs; a call of a run that is broken fails as its kind says. */
function createActivities(): Activities {
  const sound: Activities = { ...createFakes().activities, ...createModelFakes().activities };
  const asked = new Map<string, number>();
  // An annotator is known by its goal, which holds the id of its run.
  sound.openAnnotator = async ({ annotator }) => ({ annotator: annotator.goal, position: 0, labels: 0 });
  sound.annotate = async (input) => {
    const calls = (asked.get(input.run) ?? 0) + 1;
    asked.set(input.run, calls);
    return { log: { annotator: input.annotatorId, position: calls, labels: 10 * calls }, made: 10, known: 2, waiting: 0, dropped: 0, unparsable: 0, failed: 0, tokensIn: 5, tokensOut: 1, annotateMs: 3 };
  };
  const runOf = (input: { readonly run?: string; readonly annotator?: { readonly goal: string }; readonly log?: { readonly annotator: string } }): string => input.run ?? input.annotator?.goal ?? input.log?.annotator ?? '';
  const failing = Object.entries(sound).map(([name, activity]) => [
    name,
    async (input: never) => {
      const kind = broken.get(runOf(input));
      if (kind?.activity === name && (kind.fails?.(input) ?? true)) throw ApplicationFailure.create({ type: 'LAUREL_MODEL_INVALID', message: 'expected another file', nonRetryable: true });
      return (activity as (of: never) => Promise<unknown>)(input);
    },
  ]);
  return Object.fromEntries(failing) as Activities;
}

/** The goal of each annotator names the run, so that calls which are not told of a run can be told apart. */
function jobOf(kind: Kind, run: string): unknown {
  return JSON.parse(JSON.stringify(kind.job).replaceAll('"open the door"', JSON.stringify(run))) as unknown;
}

interface Speaker {
  readonly name: string;
  tell(run: string, decision: Decision, by: string, id?: string): Promise<void>;
}

let server: TestServer;
let ended: Promise<unknown>;
let end: () => void = () => undefined;

const laurel: Speaker = {
  name: 'laurel',
  async tell(run, decision, by, id) {
    const program = new Command().exitOverride();
    addControl(program);
    await program.parseAsync([decision, run, '--by', by, ...(id === undefined ? [] : ['--attention', id])], { from: 'user' });
  },
};
const plainClient: Speaker = {
  name: 'a plain client',
  async tell(run, decision, by, id) {
    await server.client.workflow.getHandle(run).executeUpdate<string, [unknown]>(decision, { args: [{ by, ...(id === undefined ? {} : { id }) }] });
  },
};

beforeAll(async () => {
  server = await startTestServer();
  vi.stubEnv('TEMPORAL_ADDRESS', server.address);
  vi.spyOn(console, 'log').mockReturnValue(undefined);
  let ready: () => void = () => undefined;
  const started = new Promise<void>((resolve) => (ready = resolve));
  ended = withWorkers(server, createActivities(), () => {
    ready();
    return new Promise<void>((resolve) => (end = resolve));
  });
  await started;
}, 60_000);
afterAll(async () => {
  end();
  await ended;
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await server.close();
});

async function until(handle: WorkflowHandle, reached: (status: RunStatus) => boolean): Promise<RunStatus> {
  for (;;) {
    const status = await handle.query<RunStatus>('status');
    if (reached(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const parked = async (handle: WorkflowHandle, step: string): Promise<Attention> => (await until(handle, ({ attention }) => attention.some((one) => one.step.startsWith(step)))).attention.find((one) => one.step.startsWith(step))!;

/** Plays a run up to the parked step, decides, and plays it to its end. */
async function play(kind: Kind, decision: Decision, speaker: Speaker): Promise<void> {
  const run = newRunId('choices');
  broken.set(run, kind);
  const handle = await server.client.workflow.start(kind.workflow ?? 'trainingRun', { taskQueue: TASK_QUEUES.workflows, workflowId: run, args: [jobOf(kind, run)] });
  const by = `${speaker.name} ${decision}`;
  const attention = await parked(handle, kind.step);
  expect(attention).toMatchObject({ code: 'LAUREL_MODEL_INVALID', message: 'expected another file', choices: DECISIONS.filter((choice) => choice !== 'void' || kind.holds !== undefined) });
  if (kind.holds === undefined) {
    const refused = await speaker.tell(run, 'void', by, attention.id).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
    expect((refused as WorkflowUpdateFailedError).cause).toMatchObject({ type: 'LAUREL_UPDATE_REFUSED', message: expect.stringContaining('it holds no segments') as string });
  }
  // A stop leaves out what fails in its wake without asking.
  if (kind.wake === undefined) broken.delete(run);
  await speaker.tell(run, decision, by, decision === 'stop' ? undefined : attention.id);
  if (kind.wake !== undefined && decision !== 'stop') {
    if (decision === 'retry') await until(handle, (status) => status.decisions.length === 1 && status.attention.length === 1);
    else await parked(handle, kind.wake);
    broken.delete(run);
    const after = (await handle.query<RunStatus>('status')).attention;
    for (const { id } of after) await speaker.tell(run, decision === 'retry' ? 'retry' : 'skip', by, id);
  }
  if (kind.place === 'endless' && decision !== 'stop') {
    const { version } = await until(handle, (status) => status.attention.length === 0);
    await until(handle, (status) => status.version >= version + 2);
    await plainClient.tell(run, 'stop', 'the end');
  }
  const result = (await handle.result()) as RunResult;
  check(kind, decision, by, attention, result, await handle.query<RunStatus>('status'));
}

function check(kind: Kind, decision: Decision, by: string, attention: Attention, result: RunResult, status: RunStatus): void {
  const { place, holds, step } = kind;
  const leftOut = decision !== 'retry';
  const stopped = place === 'endless' || (place === 'first' && leftOut) || (decision === 'stop' && place !== 'end');
  expect(result.outcome).toBe(stopped ? 'stopped' : 'completed');
  expect(status.attention).toEqual([]);
  expect(status.decisions[0]).toMatchObject({ id: attention.id, step: attention.step, code: attention.code, decision, by });
  expect(status.decisions[0]!.decidedAtMs).toBeGreaterThanOrEqual(attention.sinceMs);
  // Nothing comes back that was left out.
  expect(status.decisions).toHaveLength(kind.wake === undefined ? 1 : 2);
  expect(result.ledger).toMatchObject({
    open: 0,
    voided: decision === 'void' ? holds!.segments : 0,
    failed: holds && (decision === 'skip' || decision === 'stop') ? { [holds.reason]: holds.segments } : {},
  });
  expect(result.summaryKey).toBe(step === 'write the summary' && leftOut ? '' : 'summary');
  if (decision === 'stop') expect(status.controls).toMatchObject([{ action: 'stop', by }]);
  if (place === undefined && decision !== 'stop' && kind.workflow === undefined) expect(result.version).toBe(VERSIONS);
  if (kind.workflow === undefined && status.version > 0) expect(result.ledger.trained).toBe(2 * result.version);
}

describe.each([laurel, plainClient])('by $name', (speaker) => {
  it.each(KINDS.map((kind) => [kind.workflow ?? (kind.place === 'endless' ? 'async' : 'lockstep'), kind.wake ?? kind.step, kind] as const))('%s: %s', async (_mode, _step, kind) => {
    const choices = DECISIONS.filter((choice) => choice !== 'void' || kind.holds !== undefined);
    await Promise.all((kind.made ?? choices).map((decision) => play(kind, decision, speaker)));
  }, 60_000);
});
