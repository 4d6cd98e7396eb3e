/** Entry of the thread that plays. */
import { serveThread } from '../threads.js';
import { createShardHost } from './create-shard-host.js';
import type { OpenShardRequest, PlayEvaluationRequest, ShardName } from './rollout-host.js';

const host = createShardHost();

serveThread({
  open: (request: OpenShardRequest) => host.open(request),
  collect: (shard: ShardName) => host.collect(shard),
  release: (shard: ShardName) => host.release(shard),
  drop: (shard: ShardName) => host.drop(shard),
  beginEvaluation: (request: PlayEvaluationRequest) => host.beginEvaluation(request),
  continueEvaluation: (id: number) => host.continueEvaluation(id),
  endEvaluation: (id: number) => host.endEvaluation(id),
  close: () => host.close(),
});
