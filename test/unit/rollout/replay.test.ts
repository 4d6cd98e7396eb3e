import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActionSpace } from '../../../workers/rollout/environments/environment.js';
import { readBoundary } from '../../../workers/rollout/segment-boundary.js';
import type { Ending, WorldScript } from './support/scripted-world.js';
import { beginShard, rebuildFrom, SHARD, takeApart } from './support/shards.js';

/** Episodes of lengths 3 to 40, ends of all kinds, texts that repeat. */
function busyScript(more: Partial<WorldScript> = {}): WorldScript {
  return {
    ending: (_index, _episode, step, seed): Ending => (step < 3 + (seed.low % 38) ? 'go' : (['terminate', 'truncate'] as const)[seed.high % 2]!),
    text: (_index, step, state) => (step % 3 === 0 ? '' : `message ${state % 5}`),
    ...more,
  };
}

async function collectMany(collector: { collect(): Promise<{ bytes: Uint8Array }> }, count: number): Promise<Uint8Array[]> {
  const made: Uint8Array[] = [];
  for (let n = 0; n < count; n++) made.push((await collector.collect()).bytes);
  return made;
}

describe('a shard rebuilt from the segment before', () => {
  const continuous: ActionSpace = { kind: 'continuous', size: 2, low: [-1, -1], high: [1, 1] };

  it.each([
    ['discrete actions', {}],
    ['continuous actions', { action: continuous }],
    ['an environment that answers later', { slow: true }],
  ])('goes on with the same bytes as one that never stopped: %s', async (_name, more) => {
    const script = busyScript(more);
    const segments = await collectMany((await beginShard(4, script)).collector, 9);
    for (let seq = 1; seq < segments.length; seq++) {
      const { collector, replayed } = await rebuildFrom(segments[seq - 1]!, 4, script);
      expect(replayed).toBe(takeApart(segments[seq - 1]!).end.episodeSteps.reduce((a, b) => a + b, 0));
      const again = await collectMany(collector, segments.length - seq);
      again.forEach((bytes, index) => expect(Buffer.from(bytes).equals(segments[seq + index]!)).toBe(true));
    }
  });

  it('replays the steps of the episodes that run, and no others', async () => {
    const script = busyScript();
    const segments = await collectMany((await beginShard(4, script)).collector, 4);
    const { world, replayed } = await rebuildFrom(segments[3]!, 4, script);
    expect(replayed).toBeGreaterThan(0);
    expect(world.steppedRows).toBe(replayed);
  });

  it('may be one that stands elsewhere: the same environments are taken back', async () => {
    const script = busyScript();
    const segments = await collectMany((await beginShard(3, script)).collector, 6);
    const { collector } = await beginShard(3, script);
    await collectMany(collector, 4);
    expect(await collector.rebuild(readBoundary(segments[1]!))).toBeGreaterThan(0);
    (await collectMany(collector, 4)).forEach((bytes, index) => expect(Buffer.from(bytes).equals(segments[2 + index]!)).toBe(true));
  });

  it('is refused where a deterministic environment shows something else', async () => {
    const segment = (await (await beginShard(3)).collector.collect()).bytes;
    let resets = 0;
    const rebuilt = rebuildFrom(segment, 3, { drift: () => (resets++ === 1 ? 1 : 0) });
    await expect(rebuilt).rejects.toMatchObject({ code: 'LAUREL_ENVIRONMENT_NONDETERMINISTIC', details: { environment: 1, episode: 0, steps: SHARD.segmentSteps } });
  });

  it('is refused where an episode ends that did not end before', async () => {
    const segment = (await (await beginShard(2)).collector.collect()).bytes;
    const rebuilt = rebuildFrom(segment, 2, { ending: (index, _episode, step) => (index === 1 && step === 4 ? 'terminate' : 'go') });
    await expect(rebuilt).rejects.toMatchObject({ code: 'LAUREL_ENVIRONMENT_NONDETERMINISTIC' });
  });

  it('is tried again where the environment dies on the way', async () => {
    const segment = (await (await beginShard(2)).collector.collect()).bytes;
    const rebuilt = rebuildFrom(segment, 2, { ending: (index, _episode, step) => (index === 1 && step === 4 ? 'fail' : 'go') });
    await expect(rebuilt).rejects.toMatchObject({ code: 'LAUREL_ENVIRONMENT_FAILED' });
  });

  it('counts an episode as failed that an environment without determinism cannot take up again', async () => {
    const segment = (await (await beginShard(3)).collector.collect()).bytes;
    let resets = 0;
    const { collector } = await rebuildFrom(segment, 3, { deterministic: false, drift: () => (resets++ === 1 ? 1 : 0) });
    const { body, numbers } = takeApart((await collector.collect()).bytes);
    const steps = SHARD.segmentSteps;
    expect(body.episodes).toMatchObject({ count: 0, failed: 1, nondeterministic: 1 });
    expect([0, 1, 2].map((index) => numbers('episode')[index * steps])).toEqual([0, 1, 0]);
    expect([0, 1, 2].map((index) => numbers('step')[index * steps])).toEqual([steps, 0, steps]);
    const { episodes } = takeApart((await collector.collect()).bytes).body;
    expect(episodes.failed).toBe(0);
    expect(episodes).not.toHaveProperty('nondeterministic');
  });

  it('is refused with the boundary of another shard', async () => {
    const segment = (await (await beginShard(3)).collector.collect()).bytes;
    await expect(rebuildFrom(segment, 2)).rejects.toMatchObject({ code: 'LAUREL_INVARIANT_VIOLATED' });
  });

  it('refuses bytes that were cut or are another table', async () => {
    const segment = (await (await beginShard(2)).collector.collect()).bytes;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: segment.length - 1 }), async (end) => {
        await expect(rebuildFrom(segment.subarray(0, end), 2)).rejects.toMatchObject({ code: 'LAUREL_STORE_CORRUPT' });
      }),
      { numRuns: 50 },
    );
  });
});
