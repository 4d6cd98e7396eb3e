/**
 * A run through the real machinery in one process: collector, scorer and updater over a store in a folder, without
 * Temporal. What a test needs that looks at artefacts, or breaks them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RewardModels, UpdateBatch } from '../../proto/activities.js';
import type { Job, JobInput } from '../../proto/job.js';
import type { EvaluationRef, LabelLogRef, PolicyRef, RewardRef, SegmentRef, UpdateRef } from '../../proto/references.js';
import { FlightClientPool } from '../../proto/flight/client-pool.js';
import { resolveJob } from '../../proto/resolve.js';
import { Updater } from '../../workers/learner/updater.js';
import { Scorer } from '../../workers/reward/scorer.js';
import { createShardHost } from '../../workers/rollout/create-shard-host.js';
import { environmentSpaces } from '../../workers/rollout/environments/registry.js';
import { Rollout } from '../../workers/rollout/rollout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import type { ObjectStore } from '../../workers/store/object-store.js';
import { PeerReader } from '../../workers/transport/peer-reader.js';
import { machineResources } from '../../workers/annotator/judge-resources.js';
import { constantWeights } from '../../proto/reward-combine.js';

export const SMALL_JOB = {
  name: 'small',
  environment: { kind: 'grid-world', size: 4, rooms: 1, episodeStepsMax: 30 },
  policy: { preset: 'tiny' },
  sources: { game: { kind: 'env' }, words: { kind: 'rule', rule: { kind: 'first-match', rules: [{ match: 'regex', pattern: 'wall', value: 1 }] } } },
  shape: [{ op: 'episodic-count-decay', on: 'words', exponent: 1 }],
  combine: { op: 'linear', weights: { game: 1, words: 0.2 } },
  learn: { batchSegments: 2 },
  rollout: { shards: 2, environmentsPerShard: 4, segmentSteps: 16 },
  stop: { versions: 4 },
  seed: 5,
} as const satisfies JobInput;

export class SmallRun {
  readonly run = 'small';
  private readonly rollout: Rollout;
  private readonly last: (SegmentRef | null)[];
  private policy: PolicyRef | undefined;

  private constructor(
    readonly folder: string,
    readonly store: LocalStore,
    readonly job: Job,
  ) {
    this.rollout = new Rollout({ store, reader: readerOf(store), host: createShardHost(), endpoints: [] });
    this.last = new Array<SegmentRef | null>(job.rollout.shards).fill(null);
  }

  /** With version 0 in its store. */
  static async prepare(input: unknown = SMALL_JOB): Promise<SmallRun> {
    const folder = await mkdtemp(join(tmpdir(), 'laurel-small-'));
    const small = new SmallRun(folder, new LocalStore(folder), resolveJob(input));
    const updater = updaterOf(small.store);
    small.policy = (await updater.prepareRun({ run: small.run, job: small.job })).policy;
    await updater.close();
    return small;
  }

  /** One segment of each shard, and their rewards. @param batches as many of them */
  async collect(batches = 1, labels: Readonly<Record<string, LabelLogRef>> = {}, models: RewardModels = {}): Promise<UpdateBatch[]> {
    const made: UpdateBatch[] = [];
    for (let batch = 0; batch < batches; batch++) {
      const segments: SegmentRef[] = [];
      for (let shard = 0; shard < this.last.length; shard++) {
        const previous = this.last[shard] ?? null;
        const result = await this.rollout.collect({ run: this.run, shard, seq: previous === null ? 0 : previous.seq + 1, segments: 1, policy: this.policy!, previous });
        this.last[shard] = result.segments[0]!;
        segments.push(result.segments[0]!);
      }
      made.push({ segments, rewards: await this.score(segments, labels, models) });
    }
    return made;
  }

  private score(segments: readonly SegmentRef[], labels: Readonly<Record<string, LabelLogRef>>, models: RewardModels): Promise<RewardRef[]> {
    const weights = constantWeights(this.job.combine);
    return new Scorer({ store: this.store, reader: readerOf(this.store), endpoints: [], resources: machineResources() }).score({ run: this.run, segments, labels, models, weights });
  }

  /** Means of an evaluation of what is played now. */
  async evaluate(episodes: number, suite = 'policy'): Promise<EvaluationRef['means']> {
    return (await this.rollout.evaluate({ run: this.run, policy: this.policy!, suite, episodes, seed: 77, environments: 5 })).means;
  }

  /** The last version is what is played from now on. */
  played(updates: readonly UpdateRef[]): void {
    this.policy = updates[updates.length - 1]?.policy ?? this.policy;
  }

  async close(): Promise<void> {
    await this.rollout.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function readerOf(store: ObjectStore): PeerReader {
  // Its references name no peers, so nothing is ever connected.
  return new PeerReader({ store, clients: new FlightClientPool() });
}

export function updaterOf(store: ObjectStore): Updater {
  return new Updater({ store, reader: readerOf(store), endpoints: [], spacesOf: environmentSpaces });
}
