import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LabelLog } from '../../../workers/annotator/label-log.js';
import { HUMAN } from '../../../workers/annotator/label-record.js';
import type { LocalStore } from '../../../workers/store/local-store.js';
import { annotatorSpec, Bench, record, segment, temporaryStore } from './support.js';

const KILLS = { kind: 'scripted', rules: [{ pattern: 'kill', probability: 0.9 }], otherwise: 0.1 };

describe('the quality of labels', () => {
  let store: LocalStore;
  let root: string;
  let dispose: () => Promise<void>;
  let path: string;
  const benches: Bench[] = [];
  beforeEach(async () => {
    ({ store, root, dispose } = await temporaryStore());
    path = join(root, 'set.csv');
    await writeFile(path, 'text,label,part\nYou kill it!,1,\nIt kills you.,0,\nA wall.,0,\nA stair.,1,\nA trap.,0,development\n');
  });
  afterEach(async () => {
    await Promise.all(benches.splice(0).map((bench) => bench.annotator.close()));
    await dispose();
  });
  const bench = (change: Record<string, unknown>): Bench => {
    const made = new Bench(store, annotatorSpec(KILLS, { labelled: { path }, ...change }));
    benches.push(made);
    return made;
  };

  it('comes with each call: agreement on the labelled messages that were answered, and drift over the log', async () => {
    const { quality } = await bench({}).annotate([await segment(store, 's', [['You kill it!', 'It kills you.', 'A wall.', 'A door.']])]);
    // Right on two of three: p_o = 2/3, p_e = (1/3 * 2/3) + (2/3 * 1/3) = 4/9.
    expect(quality?.agreement).toMatchObject({ of: 4, count: 3, positives: 1 });
    expect(quality?.agreement?.accuracy).toBeCloseTo(2 / 3, 12);
    expect(quality?.agreement?.kappa).toBeCloseTo((2 / 3 - 4 / 9) / (5 / 9), 12);
    // (0.1 - 0)^2, (0.9 - 0)^2, (0.9 - 1)^2
    expect(quality?.agreement?.brier).toBeCloseTo((0.01 + 0.81 + 0.01) / 3, 6);
    // Newest first: A door, A wall | It kills you, You kill it.
    expect(quality?.drift).toMatchObject({ early: 0, late: 1 });
  });

  it('asks about the rest of the set when nothing else waits, and only where the job says so', async () => {
    const asking = bench({ labelledAsk: true });
    const { quality } = await asking.annotate([await segment(store, 's', [['A door.', 'A wall.']])]);
    expect((await asking.logged()).map(({ text }) => text)).toEqual(['A wall.', 'A door.', 'You kill it!', 'It kills you.', 'A stair.']);
    expect(quality?.agreement).toMatchObject({ count: 4, accuracy: 0.5 });
  });

  it('is that of the judge: what people corrected does not flatter it', async () => {
    const one = bench({});
    const segments = [await segment(store, 's', [['It kills you.', 'A wall.']])];
    const { log } = await one.annotate(segments);
    await new LabelLog(store, log.annotator).append([record('It kills you.', { label: 0, model: HUMAN }), record('A stair.', { label: 1, model: HUMAN })]);
    const { quality } = await one.annotate(segments);
    expect(quality?.agreement).toMatchObject({ count: 2, accuracy: 0.5 });
  });

  it('is no part of the annotator: labels are shared by jobs with another set, or none', async () => {
    const ids = await Promise.all([bench({}), bench({ labelled: null }), bench({ labelledAsk: true, labelled: 'nethack-gold' })].map(async (one) => (await one.annotator.openAnnotator({ annotator: one.spec })).annotator));
    expect(new Set(ids).size).toBe(1);
  });

  it('cannot be had from a file that is not there, which is said before anything is asked', async () => {
    const none = bench({ labelled: { path: join(root, 'none.csv') } });
    await expect(none.annotator.openAnnotator({ annotator: none.spec })).rejects.toMatchObject({ code: 'LAUREL_LABELS_INVALID' });
  });
});
