/** What each pool is made of. */
import { createAnnotatorActivities } from '../activities/annotator.js';
import { createLearnerActivities } from '../activities/learner.js';
import { createModelLearnerActivities, createModelRewardActivities } from '../activities/preference.js';
import { createRewardActivities } from '../activities/reward.js';
import { createRolloutActivities } from '../activities/rollout.js';
import type { AppendMetricsInput, Pool } from '../proto/activities.js';
import { FlightClientPool } from '../proto/flight/client-pool.js';
import { createFlightServer } from '../proto/flight/server.js';
import { Annotator } from './annotator/annotator.js';
import { machineResources } from './annotator/judge-resources.js';
import type { WorkerConfig } from './config.js';
import { UpdaterClient } from './learner/updater-client.js';
import type { Logger } from './log.js';
import { ModelClient } from './preference/model-client.js';
import { ModelRunner } from './preference/model-runner.js';
import { RunRecords } from './records/run-records.js';
import { partQuality, runQuality } from './report/quality-spans.js';
import { renderRunReport } from './report/report.js';
import { FitterClient } from './reward/models/fitter-client.js';
import { Sweeper } from './retention/sweeper.js';
import { Rescorer } from './reward/rescorer.js';
import { Scorer } from './reward/scorer.js';
import { RolloutThread } from './rollout/rollout-thread.js';
import { Rollout } from './rollout/rollout.js';
import { SegmentRestorer } from './rollout/segment-restorer.js';
import { openStore } from './store/open-store.js';
import { threadUrl } from './threads.js';
import { createArtifactProducer } from './transport/artifact-producer.js';
import { PeerReader } from './transport/peer-reader.js';

export interface PoolMachinery {
  readonly activities?: object;
  /** Calls that the pool's queue gives to this process at once. */
  readonly concurrency: number;
  /** Whether later calls are cheaper here; the process then has a queue of its own. */
  readonly hasLiveState: boolean;
  /** Where this process offers artefacts. */
  readonly location: string | undefined;
  /** The process is about to end: calls under way finish, nothing else is begun. */
  readonly onStopping?: () => void;
  close(): Promise<void>;
}

/** Shards that one rollout process plays in turn: while one waits for Temporal, the other plays. */
const SHARDS_AT_ONCE = 2;

export async function createPool(pool: Pool, config: WorkerConfig, workerQueue: string, log: Logger): Promise<PoolMachinery> {
  if (pool === 'workflows') return { concurrency: 1, hasLiveState: false, location: undefined, close: async () => undefined };
  const store = openStore(config.storeRoot);
  const server = await createFlightServer({
    producer: createArtifactProducer(store),
    host: config.flightHost,
    port: config.flightPort,
    ...(config.flightAdvertisedHost === undefined ? {} : { advertisedHost: config.flightAdvertisedHost }),
  });
  const { location } = server;
  const clients = new FlightClientPool();
  const onPeerFailure = (peer: string, error: unknown): void => log.warn({ peer, error: String(error) }, 'peer did not answer; reading the store');
  const reader = new PeerReader({ store, clients, ownLocation: location, onPeerFailure });
  const endpoints = [location];
  const machinery = (activities: object, concurrency: number, hasLiveState: boolean, closeOwn: () => Promise<void>): PoolMachinery => ({
    activities,
    concurrency,
    hasLiveState,
    location,
    async close() {
      await closeOwn();
      clients.close();
      await server.close();
    },
  });
  switch (pool) {
    case 'rollout': {
      const rollout = new Rollout({ store, reader, endpoints, host: new RolloutThread(threadUrl(import.meta.url, './rollout/shard-thread.js')) });
      return machinery(createRolloutActivities(rollout, new SegmentRestorer(store, rollout), workerQueue), SHARDS_AT_ONCE, true, () => rollout.close());
    }
    case 'annotator': {
      const annotator = new Annotator({ store, reader, resources: machineResources(), spool: config.spool });
      return { ...machinery(createAnnotatorActivities(annotator), 4, false, () => annotator.close()), onStopping: () => annotator.stopAsking() };
    }
    case 'reward': {
      const scorer = new Scorer({ store, reader, endpoints, resources: machineResources() });
      const onReportFailure = (run: string, error: unknown): void => log.error({ run, error: String(error) }, 'the report could not be drawn');
      const quality = { ofPart: (input: AppendMetricsInput) => partQuality(store, input), ofRun: (run: string) => runQuality(store, run) };
      const records = new RunRecords({ store, renderReport: (run) => renderRunReport(store, run), onReportFailure, quality });
      const models = new ModelRunner({ store, reader, endpoints });
      const fitter = new FitterClient({ storeRoot: config.storeRoot, ownLocation: location });
      const rescorer = new Rescorer({ store, reader });
      return machinery({ ...createRewardActivities(scorer, fitter, rescorer, records, new Sweeper(store), workerQueue), ...createModelRewardActivities(models) }, 4, true, async () => {
        await fitter.close();
        await scorer.close();
      });
    }
    case 'learner': {
      const learner = new UpdaterClient({ storeRoot: config.storeRoot, ownLocation: location });
      const models = new ModelClient({ storeRoot: config.storeRoot, ownLocation: location });
      const close = async (): Promise<void> => void (await Promise.all([learner.close(), models.close()]));
      return machinery({ ...createLearnerActivities(learner, workerQueue), ...createModelLearnerActivities(models) }, 2, true, close);
    }
  }
}
