/**
 * Histories of runs that were recorded (record.ts) replay on the workflows of today: a run that is under way survives a new
 * version of the code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { describe, expect, it } from 'vitest';
import { workflowBundle } from '../workflow/server.js';

const folder = join(import.meta.dirname, 'histories');
const files = readdirSync(folder).sort();

interface Golden {
  readonly events: readonly { readonly eventType: string; readonly activityTaskScheduledEventAttributes?: { readonly activityType: { readonly name: string } } }[];
}

function read(file: string): Golden {
  return JSON.parse(gunzipSync(readFileSync(join(folder, file))).toString('utf8')) as Golden;
}

async function replay(file: string, change: (code: string) => string = (code) => code): Promise<void> {
  const { code } = await workflowBundle();
  const changed = change(code);
  await Worker.runReplayHistory({ workflowBundle: { code: changed } }, read(file), `golden-${file.replace(/\.json\.gz$/, '')}`);
}

describe('a recorded history', () => {
  it('is there for every way in which a run goes', () => {
    const types = new Set(files.flatMap((file) => read(file).events.map(({ eventType }) => eventType.replace('EVENT_TYPE_', ''))));
    expect([...types]).toEqual(
      expect.arrayContaining([
        'WORKFLOW_EXECUTION_COMPLETED',
        'WORKFLOW_EXECUTION_CONTINUED_AS_NEW',
        'WORKFLOW_EXECUTION_CANCELED',
        'WORKFLOW_EXECUTION_FAILED',
        'WORKFLOW_EXECUTION_UPDATE_COMPLETED',
        'ACTIVITY_TASK_FAILED',
        'ACTIVITY_TASK_CANCEL_REQUESTED',
        'ACTIVITY_TASK_TIMED_OUT',
        'TIMER_STARTED',
      ]),
    );
    const activities = new Set(files.flatMap((file) => read(file).events.flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType.name ?? [])));
    expect([...activities].sort()).toEqual(['annotate', 'appendMetrics', 'collect', 'curateTable', 'evaluate', 'evaluateModel', 'finishRun', 'fit', 'fitModel', 'makeTables', 'openAnnotator', 'prepareRun', 'rescore', 'restoreReward', 'restoreSegment', 'restoreVersion', 'sampleSegments', 'score', 'sweep', 'update', 'writeCheckpoint']);
  });

  it.each(files)('%s replays', (file) => replay(file));

  it.each(['collect', 'score', 'finishRun'])('does not replay on workflows that call another activity than %s', async (activity) => {
    const changed = replay('async-completed.json.gz', (code) => {
      const mutated = code.replaceAll(`.${activity}.executeWithOptions(`, `.${activity}Differently.executeWithOptions(`);
      expect(mutated).not.toBe(code);
      return mutated;
    });
    await expect(changed).rejects.toBeInstanceOf(DeterminismViolationError);
  });

  it.each(['makeTables', 'curateTable', 'fitModel', 'evaluateModel'])('of a run without rollouts does not replay on workflows that call another activity than %s', async (activity) => {
    const changed = replay('model-run-completed.json.gz', (code) => code.replaceAll(`.${activity}.executeWithOptions(`, `.${activity}Differently.executeWithOptions(`));
    await expect(changed).rejects.toBeInstanceOf(DeterminismViolationError);
  });

  it('does not replay on workflows that wait where they did not', async () => {
    const changed = replay('lockstep-completed.json.gz', (code) => {
      const mutated = code.replace('await prepare(context)', '(await new Promise((resolve) => setTimeout(resolve, 1)), await prepare(context))');
      expect(mutated).not.toBe(code);
      return mutated;
    });
    await expect(changed).rejects.toBeInstanceOf(DeterminismViolationError);
  });
});
