/** Things that several annotator tests need. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LabelRecord } from '../../../workers/annotator/label-record.js';
import { LocalStore } from '../../../workers/store/local-store.js';

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

export function record(text: string, change: Partial<LabelRecord> = {}): LabelRecord {
  return {
    text: bytes(text),
    status: 'ok',
    label: 0.75,
    reply: 'Good',
    model: 'sha256:model',
    promptHash: 'prompt',
    tokensIn: 9,
    tokensOut: 1,
    latencyMs: 12.5,
    attempt: 1,
    askedAt: '2024-01-02T03:04:05.678Z',
    ...change,
  };
}

/** A store in a new folder, removed by `dispose`. */
export async function temporaryStore(): Promise<{ readonly store: LocalStore; readonly root: string; readonly dispose: () => Promise<void> }> {
  const root = await mkdtemp(join(tmpdir(), 'laurel-annotator-'));
  return { store: new LocalStore(root), root, dispose: () => rm(root, { recursive: true, force: true }) };
}
