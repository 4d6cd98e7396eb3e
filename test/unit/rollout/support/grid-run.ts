/** A run of the grid world in a store folder: job and policies as the learner writes them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PolicyRef } from '../../../../proto/references.js';
import { resolveJob } from '../../../../proto/resolve.js';
import { encodePolicy } from '../../../../workers/learner/policy-artifact.js';
import { Network } from '../../../../workers/learner/networks/network.js';
import { environmentSpaces } from '../../../../workers/rollout/environments/registry.js';
import { Rollout } from '../../../../workers/rollout/rollout.js';
import type { RolloutHost } from '../../../../workers/rollout/rollout-host.js';
import { canonicalJson, readArtifact, writeArtifact } from '../../../../workers/store/artifacts.js';
import { layout } from '../../../../workers/store/layout.js';
import { LocalStore } from '../../../../workers/store/local-store.js';
import { networkPolicyOf } from '../../../../proto/learning.js';

export interface GridRun {
  readonly store: LocalStore;
  readonly policies: readonly PolicyRef[];
  rollout(host: RolloutHost): Rollout;
  remove(): Promise<void>;
}

export async function createGridRun(): Promise<GridRun> {
  const folder = await mkdtemp(join(tmpdir(), 'laurel-grid-'));
  const store = new LocalStore(folder);
  const job = resolveJob({
    name: 'grid',
    environment: { kind: 'grid-world', size: 4, rooms: 1, episodeStepsMax: 30 },
    policy: { preset: 'tiny' },
    sources: { game: { kind: 'env' } },
    combine: { op: 'linear', weights: { game: 1 } },
    rollout: { shards: 2, environmentsPerShard: 4, segmentSteps: 16 },
    stop: { versions: 1 },
    seed: 5,
  });
  await writeArtifact(store, layout.spec('g'), Buffer.from(canonicalJson(job)), { schemaVersion: 1 });
  const network = new Network(await environmentSpaces(job.environment), networkPolicyOf(job.policy));
  const policies: PolicyRef[] = [];
  for (const version of [0, 1]) {
    const values = network.initialParameters(version);
    const tensors = network.parameters.map(({ name, shape }) => ({ name, shape, data: values[name]! }));
    policies.push({ version, artifact: await writeArtifact(store, layout.policy('g', version), encodePolicy(tensors, { run: 'g', version }), { schemaVersion: 1 }) });
  }
  const reader = { read: (ref: Parameters<typeof readArtifact>[1]) => readArtifact(store, ref), columns: () => Promise.reject(new Error('not needed here')) };
  return { store, policies, rollout: (host) => new Rollout({ store, reader, host, endpoints: [] }), remove: () => rm(folder, { recursive: true, force: true }) };
}
