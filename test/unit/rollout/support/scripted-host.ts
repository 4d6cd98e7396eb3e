/** A rollout pool over scripted worlds: the real host, store and machinery; only the world and the network are small. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CollectInput } from '../../../../proto/activities.js';
import { resolveJob } from '../../../../proto/resolve.js';
import type { JobInput } from '../../../../proto/job.js';
import type { PolicyRef, SegmentRef } from '../../../../proto/references.js';
import type { PolicyProvider } from '../../../../workers/rollout/policy/group-policy.js';
import { Rollout } from '../../../../workers/rollout/rollout.js';
import { ShardHost } from '../../../../workers/rollout/shard-host.js';
import { canonicalJson, readArtifact, writeArtifact } from '../../../../workers/store/artifacts.js';
import { layout } from '../../../../workers/store/layout.js';
import { LocalStore } from '../../../../workers/store/local-store.js';
import type { ObjectStore } from '../../../../workers/store/object-store.js';
import { ScriptedPolicy, ScriptedWorld, type WorldScript } from './scripted-world.js';

const scriptedPolicies: PolicyProvider = {
  acquire: async () => ({
    bind: (group) => new ScriptedPolicy(group as ScriptedWorld),
    load: ({ version }) => ({ version, tensors: {} }),
    release: async () => undefined,
  }),
};

export const ENDPOINT = 'grpc+tcp://127.0.0.1:1';

export interface Pool {
  readonly rollout: Rollout;
  readonly worlds: ScriptedWorld[];
}

/** A store folder with the job and policies of run `r`, and as many pools over it as the test wants. */
export class Bench {
  private constructor(
    readonly folder: string,
    readonly store: LocalStore,
    private readonly policies: readonly PolicyRef[],
  ) {}

  static async create(environment: JobInput['environment'] = { kind: 'grid-world' }): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'laurel-rollout-'));
    const store = new LocalStore(folder);
    const job = resolveJob({
      name: 'scripted',
      environment,
      sources: { game: { kind: 'env' } },
      combine: { op: 'linear', weights: { game: 1 } },
      rollout: { shards: 2, environmentsPerShard: 3, segmentSteps: 8 },
      stop: { versions: 1 },
      seed: 42,
    });
    await writeArtifact(store, layout.spec('r'), Buffer.from(canonicalJson(job)), { schemaVersion: 1 });
    const policies = await Promise.all(
      [0, 1].map(async (version) => ({ version, artifact: await writeArtifact(store, layout.policy('r', version), Buffer.from(`policy ${version}`), { schemaVersion: 1 }) })),
    );
    return new Bench(folder, store, policies);
  }

  /** A worker process of its own, as far as memory goes. */
  pool(script: WorldScript = {}, options: { store?: ObjectStore; liveShardsMax?: number } = {}): Pool {
    const worlds: ScriptedWorld[] = [];
    const store = options.store ?? this.store;
    const createEnvironments = async (_spec: unknown, size: number): Promise<ScriptedWorld> => {
      worlds.push(new ScriptedWorld(size, script));
      return worlds.at(-1)!;
    };
    const host = new ShardHost({ policies: scriptedPolicies, createEnvironments, ...(options.liveShardsMax === undefined ? {} : { liveShardsMax: options.liveShardsMax }) });
    const reader = { read: (ref: Parameters<typeof readArtifact>[1]) => readArtifact(store, ref), columns: () => Promise.reject(new Error('not needed here')) };
    return { rollout: new Rollout({ store, reader, host, endpoints: [ENDPOINT] }), worlds };
  }

  policy(version = 0): PolicyRef {
    return this.policies[version]!;
  }

  input(seq: number, segments: number, previous: SegmentRef | null, more: Partial<CollectInput> = {}): CollectInput {
    return { run: 'r', shard: 0, seq, segments, policy: this.policy(), previous, ...more };
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
