import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CollectInput, EvaluateInput } from '../../../proto/activities.js';
import type { SegmentRef } from '../../../proto/references.js';
import { createRolloutThread } from '../../../workers/rollout/create-rollout-thread.js';
import { createShardHost } from '../../../workers/rollout/create-shard-host.js';
import type { Rollout } from '../../../workers/rollout/rollout.js';
import { RolloutThread } from '../../../workers/rollout/rollout-thread.js';
import { threadUrl } from '../../../workers/threads.js';
import { createGridRun, type GridRun } from './support/grid-run.js';
import { takeApart } from './support/shards.js';

let run: GridRun;
let marker: string;
const open: Rollout[] = [];

beforeEach(async () => {
  run = await createGridRun();
  marker = join(await mkdtemp(join(tmpdir(), 'laurel-marker-')), 'marker');
  process.env['LAUREL_TEST_MARKER'] = marker;
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((rollout) => rollout.close()));
  delete process.env['LAUREL_TEST_MARKER'];
  await rm(join(marker, '..'), { recursive: true });
  await run.remove();
});

const input = (seq: number, segments: number, previous: SegmentRef | null, version = 0): CollectInput => ({ run: 'g', shard: 1, seq, segments, policy: run.policies[version]!, previous });
const evaluation = (): EvaluateInput => ({ run: 'g', policy: run.policies[1]!, suite: 'final', episodes: 6, seed: 8, environments: 4 });

function opened(rollout: Rollout): Rollout {
  open.push(rollout);
  return rollout;
}
const inThread = (): Rollout => opened(run.rollout(createRolloutThread()));
const inFragileThread = (callMsMax?: number): Rollout => opened(run.rollout(new RolloutThread(threadUrl(import.meta.url, './support/fragile-thread.js'), callMsMax)));

/** What a worker makes that never met trouble; the store is empty of segments afterwards. */
async function expectedSegments(count: number): Promise<readonly SegmentRef[]> {
  const rollout = opened(run.rollout(createShardHost()));
  const { segments } = await rollout.collect(input(0, count, null));
  await Promise.all(segments.map((ref) => run.store.delete(ref.key)));
  return segments;
}

describe('playing in a thread', () => {
  it('gives the bytes that playing in this thread gives, over several calls and versions', async () => {
    const here = opened(run.rollout(createShardHost()));
    const first = await here.collect(input(0, 3, null));
    const second = await here.collect(input(3, 2, first.segments[2]!, 1));
    expect(takeApart((await run.store.get(second.segments[1]!.key))!).body.episodes.count).toBeGreaterThan(0);
    for (const ref of [...first.segments, ...second.segments]) await run.store.delete(ref.key);
    const rollout = inThread();
    expect((await rollout.collect(input(0, 3, null))).segments).toEqual(first.segments);
    const again = await rollout.collect(input(3, 2, first.segments[2]!, 1));
    expect(again.segments).toEqual(second.segments);
    expect(again.replayed).toBe(0);
  });

  it('lets shards and an evaluation take turns', async () => {
    const rollout = inThread();
    const [a, b, evaluated] = await Promise.all([rollout.collect(input(0, 3, null)), rollout.collect({ ...input(0, 3, null), shard: 0 }), rollout.evaluate(evaluation())]);
    expect(evaluated.episodes).toBe(6);
    for (const ref of [...a.segments, ...b.segments, evaluated]) await run.store.delete(ref.key);
    const alone = opened(run.rollout(createShardHost()));
    expect((await alone.collect(input(0, 3, null))).segments).toEqual(a.segments);
    expect((await alone.collect({ ...input(0, 3, null), shard: 0 })).segments).toEqual(b.segments);
    expect(await alone.evaluate(evaluation())).toEqual(evaluated);
  });

  it('brings errors over with their codes', async () => {
    const rollout = inThread();
    const notAPolicy = { version: 0, artifact: { ...run.policies[0]!.artifact } };
    const { segments } = await rollout.collect(input(0, 1, null));
    notAPolicy.artifact = segments[0]!;
    await expect(rollout.collect({ ...input(1, 1, segments[0]!), policy: notAPolicy })).rejects.toMatchObject({ code: expect.stringMatching(/LAUREL_(SCHEMA_MISMATCH|STORE_CORRUPT)/) });
    expect((await rollout.collect(input(1, 1, segments[0]!))).segments[0]!.seq).toBe(1);
  });

  it('goes on to the same bytes in a new thread after the thread died', async () => {
    const expected = await expectedSegments(5);
    const rollout = inFragileThread();
    await rollout.collect(input(0, 2, null));
    await writeFile(marker, 'die');
    await expect(rollout.collect(input(2, 3, expected[1]!))).rejects.toMatchObject({ code: 'LAUREL_WORKER_FAILED' });
    expect(existsSync(marker)).toBe(false);
    const again = await rollout.collect(input(2, 3, expected[1]!));
    expect(again.segments).toEqual(expected.slice(2));
    expect(again.replayed).toBe(takeApart((await run.store.get(expected[1]!.key))!).end.episodeSteps.reduce((a, b) => a + b, 0));
  });

  it('makes an evaluation again after the thread died in it', async () => {
    const rollout = inFragileThread();
    await writeFile(marker, 'die');
    await expect(rollout.evaluate(evaluation())).rejects.toMatchObject({ code: 'LAUREL_WORKER_FAILED' });
    const ref = await rollout.evaluate(evaluation());
    await run.store.delete(ref.key);
    expect(await opened(run.rollout(createShardHost())).evaluate(evaluation())).toEqual(ref);
  });

  it('gives up a thread that does not answer', async () => {
    const expected = await expectedSegments(1);
    const rollout = inFragileThread(3_000);
    await writeFile(marker, 'hang');
    await expect(rollout.collect(input(0, 1, null))).rejects.toMatchObject({ code: 'LAUREL_WORKER_FAILED', details: { method: 'collect' } });
    expect((await rollout.collect(input(0, 1, null))).segments).toEqual(expected);
  });
});
