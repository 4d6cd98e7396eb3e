/** Things that several annotator tests need. */
import { access, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnnotateResult } from '../../../proto/activities.js';
import { FlightClientPool } from '../../../proto/flight/client-pool.js';
import { binary, tableBytes } from '../../../proto/flight/tables.js';
import { annotatorSchema } from '../../../proto/judges.js';
import type { AnnotatorSpec } from '../../../proto/judges.js';
import type { SegmentRef } from '../../../proto/references.js';
import { Annotator } from '../../../workers/annotator/annotator.js';
import type { ChunkLimits } from '../../../workers/annotator/answer-buffer.js';
import { decodeRecords } from '../../../workers/annotator/label-record.js';
import type { LabelRecord } from '../../../workers/annotator/label-record.js';
import { writeArtifact } from '../../../workers/store/artifacts.js';
import { layout } from '../../../workers/store/layout.js';
import { LocalStore } from '../../../workers/store/local-store.js';
import type { ObjectStore } from '../../../workers/store/object-store.js';
import { PeerReader } from '../../../workers/transport/peer-reader.js';

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

/** The small model of the embedded judge: `<cache>/models/gemma-3-270m-q4_k_m.gguf`. */
export async function gemma(): Promise<string> {
  const cache = process.env['LAUREL_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'laurel');
  const path = join(cache, 'models', 'gemma-3-270m-q4_k_m.gguf');
  await access(path);
  return path;
}

/** A stored segment with these messages, one environment after another, and its reference. */
export async function segment(store: ObjectStore, name: string, environments: readonly (readonly string[])[]): Promise<SegmentRef> {
  const texts = environments.flat().map(bytes);
  const artifact = await writeArtifact(store, `runs/test/segments/${name}.arrow`, tableBytes([binary('text', texts)]), { rows: texts.length, schemaVersion: 1 });
  const steps = environments[0]?.length ?? 0;
  return { ...artifact, shard: 0, seq: 0, policyVersion: 0, environments: environments.length, steps, episodes: { count: 0, failed: 0, lengthSum: 0, returnSums: [], statisticSums: [] } };
}

export function annotatorSpec(judge: Record<string, unknown>, change: Record<string, unknown> = {}): AnnotatorSpec {
  return annotatorSchema.parse({ goal: 'gain levels', judge, ...change });
}

/** An annotator on a store, and what it takes to ask it. */
export class Bench {
  readonly annotator: Annotator;
  readonly progress: unknown[] = [];
  readonly aborting = new AbortController();

  constructor(
    readonly store: ObjectStore,
    readonly spec: AnnotatorSpec,
    chunk?: ChunkLimits,
    spool?: string,
  ) {
    const reader = new PeerReader({ store, clients: new FlightClientPool() });
    this.annotator = new Annotator({ store, reader, resources: { modelPath: () => gemma(), secret: () => undefined }, closeGraceMs: 500, ...(chunk ? { chunk } : {}), ...(spool === undefined ? {} : { spool }) });
  }

  async annotate(segments: readonly SegmentRef[], drain = false, run = 'test'): Promise<AnnotateResult> {
    const { annotator: annotatorId } = await this.annotator.openAnnotator({ annotator: this.spec });
    const input = { run, source: 'helpful', annotator: this.spec, annotatorId, segments, drain };
    return this.annotator.annotate(input, { signal: this.aborting.signal, onProgress: (note) => this.progress.push(note) });
  }

  /** Texts in the log, in the order in which they were written. */
  async logged(): Promise<{ readonly text: string; readonly status: string; readonly label: number | null; readonly entry: number }[]> {
    const { annotator: id, position } = await this.annotator.openAnnotator({ annotator: this.spec });
    const found = [];
    for (let entry = 0; entry < position; entry++) {
      const key = layout.label(id, entry);
      for (const { text, status, label } of decodeRecords((await this.store.get(key)) as Uint8Array, key, id)) found.push({ text: Buffer.from(text).toString('latin1'), status, label, entry });
    }
    return found;
  }
}
