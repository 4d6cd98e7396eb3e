/** Makes every table, model and evaluation of a run without rollouts again from its job alone and compares bytes. */
import type { ModelJob } from '../../proto/preference-job.js';
import { LaurelError } from '../../proto/errors.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import { digestOf, readArtifact, readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { OverlayStore } from '../verify/overlay-store.js';
import { executePlan } from './execute-plan.js';
import { ModelRunner } from './model-runner.js';

export interface ModelVerifyReport {
  /** Objects made again and found the same. */
  readonly same: number;
  /** Empty where everything is the same. */
  readonly differences: readonly string[];
}

const MADE = ['tables', 'fits', 'models', 'evaluations'] as const;

/** @throws LaurelError LAUREL_STORE_MISSING where the store has no such run */
export async function verifyModelRun(store: ObjectStore, run: string, onProgress: (done: number, of: number, what: string) => void = () => undefined): Promise<ModelVerifyReport> {
  const job = await readJson<ModelJob>(store, layout.spec(run));
  if (!job) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${layout.spec(run)} in the store, found nothing`, { key: layout.spec(run) });
  const lists = await Promise.all(MADE.map((folder) => store.list(`runs/${run}/${folder}/`)));
  const keys = lists.flat().map(({ key }) => key);
  const overlay = new OverlayStore(store);
  overlay.hide(...keys);
  const reader: ArtifactReader = {
    read: (ref) => readArtifact(overlay, ref),
    columns: () => Promise.reject(new LaurelError('LAUREL_INVARIANT_VIOLATED', 'expected whole artefacts to be read')),
  };
  await executePlan(new ModelRunner({ store: overlay, reader, endpoints: [] }), run, job, (step, index, of) => onProgress(index, of, `${step.kind} ${step.name}`));
  const differences: string[] = [];
  for (const key of keys) {
    const made = overlay.take(key);
    const stored = await store.get(key);
    if (made === undefined) differences.push(`${key} is in the store, but the job makes no such object`);
    else if (stored === undefined || digestOf(stored) !== digestOf(made)) differences.push(`${key} is another when it is made again`);
  }
  return { same: keys.length - differences.length, differences };
}

export async function isModelRun(store: ObjectStore, run: string): Promise<boolean> {
  const job = await readJson<Record<string, unknown>>(store, layout.spec(run));
  return job !== undefined && 'data' in job;
}
