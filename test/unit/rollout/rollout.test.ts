import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layout } from '../../../workers/store/layout.js';
import { digestOf } from '../../../workers/store/artifacts.js';
import { LaurelError } from '../../../proto/errors.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { Bench, ENDPOINT } from './support/scripted-host.js';
import type { WorldScript } from './support/scripted-world.js';
import { takeApart } from './support/shards.js';

const script: WorldScript = { ending: (_index, _episode, step, seed) => (step < 3 + (seed.low % 30) ? 'go' : 'terminate'), text: (_index, step) => `after ${step}` };

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.create();
});
afterEach(() => bench.remove());

const steppedRows = (pool: { worlds: { steppedRows: number }[] }): number => pool.worlds.reduce((total, world) => total + world.steppedRows, 0);

/** Lets writers write one at a time in a given order, again and again; one that has left is passed over. */
class Turns {
  private readonly waiting = new Map<number, () => Promise<void>>();
  private readonly gone = new Set<number>();
  private next = 0;
  private busy = false;

  constructor(private readonly order: readonly number[]) {}

  take<T>(who: number, write: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.set(who, () => write().then(resolve, reject));
      this.go();
    });
  }

  leave(who: number): void {
    this.gone.add(who);
    this.go();
  }

  private go(): void {
    if (this.busy || this.waiting.size === 0) return;
    const turn = this.order[this.next % this.order.length]!;
    const who = this.gone.has(turn) ? [...this.waiting.keys()][0]! : turn;
    const write = this.waiting.get(who);
    if (write === undefined) return;
    this.waiting.delete(who);
    this.next++;
    this.busy = true;
    void write().finally(() => {
      this.busy = false;
      this.go();
    });
  }
}

describe('collecting', () => {
  it('stores each segment under its name and gives references that hold', async () => {
    const result = await bench.pool(script).rollout.collect(bench.input(0, 3, null));
    expect(result.segments.map((ref) => ref.seq)).toEqual([0, 1, 2]);
    expect(result).toMatchObject({ replayed: 0 });
    expect(result.stepMsP99).toBeGreaterThanOrEqual(result.stepMsP50);
    for (const ref of result.segments) {
      const bytes = (await bench.store.get(layout.segment('r', 0, ref.seq)))!;
      expect(ref).toEqual({
        key: layout.segment('r', 0, ref.seq),
        digest: digestOf(bytes),
        bytes: bytes.byteLength,
        rows: 24,
        schemaVersion: 1,
        endpoints: [ENDPOINT],
        shard: 0,
        seq: ref.seq,
        policyVersion: 0,
        environments: 3,
        steps: 8,
        episodes: takeApart(bytes).body.episodes,
      });
    }
  });

  it('goes on with live environments, and replays nothing', async () => {
    const pool = bench.pool(script);
    const { segments } = await pool.rollout.collect(bench.input(0, 2, null));
    const next = await pool.rollout.collect(bench.input(2, 2, segments[1]!, { policy: bench.policy(1) }));
    expect(next.replayed).toBe(0);
    expect(next.segments.map((ref) => ref.policyVersion)).toEqual([1, 1]);
    expect(steppedRows(pool)).toBe(4 * 24);
    expect(pool.worlds).toHaveLength(1);
  });

  it('gives the same bytes on a worker that has to rebuild the shard', async () => {
    const one = bench.pool(script);
    const { segments } = await one.rollout.collect(bench.input(0, 5, null));
    for (const ref of segments.slice(2)) await bench.store.delete(ref.key);
    const other = bench.pool(script);
    const again = await other.rollout.collect(bench.input(2, 3, segments[1]!));
    expect(again.replayed).toBeGreaterThan(0);
    expect(again.segments).toEqual(segments.slice(2));
    expect(steppedRows(other)).toBe(again.replayed + 3 * 24);
  });

  it('that is repeated gives the references of what is stored and plays nothing', async () => {
    const { segments } = await bench.pool(script).rollout.collect(bench.input(0, 3, null));
    const other = bench.pool(script);
    const again = await other.rollout.collect(bench.input(0, 3, null));
    expect(again.segments).toEqual(segments);
    expect(again.stepMsP99).toBe(0);
    expect(other.worlds).toHaveLength(0);
  });

  it('that was cut short is completed from where the store ends', async () => {
    const { segments } = await bench.pool(script).rollout.collect(bench.input(0, 4, null));
    await bench.store.delete(segments[2]!.key);
    await bench.store.delete(segments[3]!.key);
    const again = await bench.pool(script).rollout.collect(bench.input(0, 4, null));
    expect(again.segments).toEqual(segments);
    expect(again.replayed).toBeGreaterThan(0);
  });

  it('plays shards side by side, each with a life of its own', async () => {
    const { rollout } = bench.pool(script);
    const [a, b] = await Promise.all([rollout.collect(bench.input(0, 2, null)), rollout.collect(bench.input(0, 2, null, { shard: 1 }))]);
    expect(a.segments[0]!.digest).not.toBe(b.segments[0]!.digest);
    expect(b.segments[0]!.key).toBe(layout.segment('r', 1, 0));
  });

  it('takes calls for one shard one after another', async () => {
    const pool = bench.pool(script);
    const [a, b] = await Promise.all([pool.rollout.collect(bench.input(0, 2, null)), pool.rollout.collect(bench.input(0, 2, null))]);
    expect(a.segments).toEqual(b.segments);
    expect(steppedRows(pool)).toBe(2 * 24);
  });

  it('closes the shard used longest ago where there is no room', async () => {
    const pool = bench.pool(script, { liveShardsMax: 1 });
    const first = await pool.rollout.collect(bench.input(0, 1, null));
    await pool.rollout.collect(bench.input(0, 1, null, { shard: 1 }));
    expect(pool.worlds.map((world) => world.closed)).toEqual([true, false]);
    const next = await pool.rollout.collect(bench.input(1, 1, first.segments[0]!));
    expect(next.replayed).toBeGreaterThan(0);
    expect(pool.worlds.map((world) => world.closed)).toEqual([true, true, false]);
  });

  it('ends between two segments where it is cancelled, and can be taken up again', async () => {
    const cancel = new AbortController();
    const pool = bench.pool({ ...script, slow: true });
    const notes: unknown[] = [];
    const collecting = pool.rollout.collect(bench.input(0, 50, null), {
      signal: cancel.signal,
      onProgress: (note) => {
        notes.push(note);
        cancel.abort();
      },
    });
    await expect(collecting).rejects.toMatchObject({ name: 'AbortError' });
    expect(notes[0]).toEqual({ seq: 0, of: 50 });
    const stored = (await bench.store.list('runs/r/segments/')).length;
    expect(stored).toBeGreaterThanOrEqual(1);
    expect(stored).toBeLessThan(50);
    const { segments } = await pool.rollout.collect(bench.input(0, 6, null));
    await Promise.all(segments.map((ref) => bench.store.delete(ref.key)));
    expect((await bench.pool(script).rollout.collect(bench.input(0, 6, null))).segments).toEqual(segments);
  });
});

describe('collecting against trouble', () => {
  it.each(['gymnasium', 'grid-world'] as const)('two tries of one call that come to different bytes with one policy: what was stored first holds, and it is a defect unless the environment need not repeat itself (%s)', async (kind) => {
    const own = await Bench.create(kind === 'gymnasium' ? { kind, id: 'Any-v0' } : { kind });
    try {
      let wake: () => void = () => undefined;
      const awake = new Promise<void>((resolve) => (wake = resolve));
      const slowStore = Object.assign(Object.create(own.store) as ObjectStore, { putIfAbsent: (key: string, body: Uint8Array) => awake.then(() => own.store.putIfAbsent(key, body)) });
      const late = own.pool({ ...script, drift: () => 1 }, { store: slowStore }).rollout.collect(own.input(0, 3, null));
      const { segments } = await own.pool(script).rollout.collect(own.input(0, 3, null));
      wake();
      if (kind === 'gymnasium') expect((await late).segments).toEqual(segments);
      else await expect(late).rejects.toMatchObject({ code: 'LAUREL_STORE_CONFLICT', retryable: false });
      expect((await own.pool(script).rollout.collect(own.input(0, 3, null))).segments).toEqual(segments);
    } finally {
      await own.remove();
    }
  });

  it('makes the same segments again after a segment could not be written', async () => {
    const expected = (await bench.pool(script).rollout.collect(bench.input(0, 4, null))).segments;
    for (const ref of expected) await bench.store.delete(ref.key);
    let writes = 0;
    const failing: ObjectStore = Object.assign(Object.create(bench.store) as ObjectStore, {
      putIfAbsent: async (key: string, body: Uint8Array) => {
        if (++writes === 2) throw new LaurelError('LAUREL_STORE_UNAVAILABLE', 'the disk is full');
        return bench.store.putIfAbsent(key, body);
      },
    });
    const pool = bench.pool(script, { store: failing });
    await expect(pool.rollout.collect(bench.input(0, 4, null))).rejects.toMatchObject({ code: 'LAUREL_STORE_UNAVAILABLE' });
    expect(await bench.store.list('runs/r/segments/')).toHaveLength(1);
    expect((await pool.rollout.collect(bench.input(0, 4, null))).segments).toEqual(expected);
  });

  it('goes on behind a segment that another try has stored meanwhile with another policy', async () => {
    const stored = (await bench.pool(script).rollout.collect(bench.input(0, 1, null, { policy: bench.policy(1) }))).segments[0]!;
    // Both attempts have looked, and found nothing, before the other one wrote.
    let hidden = true;
    const racing: ObjectStore = Object.assign(Object.create(bench.store) as ObjectStore, {
      get: async (key: string) => (hidden && key === stored.key ? ((hidden = false), undefined) : bench.store.get(key)),
    });
    const pool = bench.pool(script, { store: racing });
    const { segments, replayed } = await pool.rollout.collect(bench.input(0, 2, null));
    expect(segments[0]).toEqual(stored);
    expect(segments[1]!.policyVersion).toBe(0);
    expect(replayed).toBe(takeApart((await bench.store.get(stored.key))!).end.episodeSteps.reduce((a, b) => a + b, 0));
  });

  it('two tries of one call, each with a policy of its own, agree on every segment however they fall between each other', async () => {
    const SEGMENTS = 5;
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(0, 1), { minLength: 4, maxLength: 12 }), async (order) => {
        const own = await Bench.create();
        try {
          const turns = new Turns(order);
          const tries = [0, 1].map((version) => {
            const store = Object.assign(Object.create(own.store) as ObjectStore, { putIfAbsent: (key: string, body: Uint8Array) => turns.take(version, () => own.store.putIfAbsent(key, body)) });
            return own.pool(script, { store }).rollout.collect(own.input(0, SEGMENTS, null, { policy: own.policy(version) })).finally(() => turns.leave(version));
          });
          const [one, other] = await Promise.all(tries);
          expect(one!.segments).toEqual(other!.segments);
          expect(one!.segments.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
          seen.add(one!.segments.map(({ policyVersion }) => policyVersion).join(''));
          // Each is what its policy makes of the one that is stored before it.
          let previous: Uint8Array | null = null;
          for (const { key, seq, policyVersion, digest } of one!.segments) {
            const stored: Uint8Array = (await own.store.get(key))!;
            expect(digestOf(stored)).toBe(digest);
            expect(digestOf(await own.pool(script).rollout.remake({ run: 'r', shard: 0, seq, policy: own.policy(policyVersion), previous }))).toBe(digest);
            previous = stored;
          }
        } finally {
          await own.remove();
        }
      }),
      { numRuns: 15, seed: 6 },
    );
    // Now one was first and now the other, also within one call.
    expect([...seen].filter((versions) => versions.includes('0') && versions.includes('1')).length).toBeGreaterThan(2);
  }, 60_000);

  it('closes a shard whose environment died in it, and begins again from the store', async () => {
    let resets = 0;
    const dying: WorldScript = {
      ...script,
      drift: () => {
        // The three first episodes, then one more reset that fails.
        if (++resets === 4) throw new LaurelError('LAUREL_ENVIRONMENT_FAILED', 'it died');
        return 0;
      },
    };
    const expected = (await bench.pool(script).rollout.collect(bench.input(0, 6, null))).segments;
    for (const ref of expected) await bench.store.delete(ref.key);
    const pool = bench.pool(dying);
    await expect(pool.rollout.collect(bench.input(0, 6, null))).rejects.toMatchObject({ code: 'LAUREL_ENVIRONMENT_FAILED' });
    expect(pool.worlds[0]!.closed).toBe(true);
    expect((await pool.rollout.collect(bench.input(0, 6, null))).segments).toEqual(expected);
  });

  it('says what is missing: the job, the policy, the segment before', async () => {
    const { rollout } = bench.pool(script);
    const { segments } = await rollout.collect(bench.input(0, 1, null));
    await expect(rollout.collect(bench.input(0, 1, null, { run: 'other' }))).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
    await expect(rollout.collect(bench.input(4, 1, null))).rejects.toMatchObject({ code: 'LAUREL_INVARIANT_VIOLATED' });
    await expect(rollout.collect(bench.input(4, 1, segments[0]!))).rejects.toMatchObject({ code: 'LAUREL_INVARIANT_VIOLATED' });
    const gone = { ...segments[0]!, key: layout.segment('r', 0, 6), seq: 6 };
    await expect(rollout.collect(bench.input(7, 1, gone))).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
    await bench.store.delete(bench.policy(1).artifact.key);
    await expect(rollout.collect(bench.input(1, 1, segments[0]!, { policy: bench.policy(1) }))).rejects.toMatchObject({ code: 'LAUREL_STORE_MISSING' });
  });
});
