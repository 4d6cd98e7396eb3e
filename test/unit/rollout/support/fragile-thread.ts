/** A thread that plays, until it finds the file that the environment variable names: then it dies or hangs, once. */
import { existsSync, readFileSync, unlinkSync } from 'node:fs';
import { createShardHost } from '../../../../workers/rollout/create-shard-host.js';
import type { OpenShardRequest, PlayEvaluationRequest, ShardName } from '../../../../workers/rollout/rollout-host.js';
import { serveThread } from '../../../../workers/threads.js';

const host = createShardHost();

async function tremble(): Promise<void> {
  const path = process.env['LAUREL_TEST_MARKER'] ?? '';
  if (!existsSync(path)) return;
  const what = readFileSync(path, 'utf8');
  unlinkSync(path);
  if (what === 'die') process.exit(7);
  await new Promise(() => undefined);
}

serveThread({
  open: (request: OpenShardRequest) => host.open(request),
  collect: async (shard: ShardName) => {
    await tremble();
    return host.collect(shard);
  },
  release: (shard: ShardName) => host.release(shard),
  drop: (shard: ShardName) => host.drop(shard),
  beginEvaluation: (request: PlayEvaluationRequest) => host.beginEvaluation(request),
  continueEvaluation: async (id: number) => {
    await tremble();
    return host.continueEvaluation(id);
  },
  endEvaluation: (id: number) => host.endEvaluation(id),
  close: () => host.close(),
});
