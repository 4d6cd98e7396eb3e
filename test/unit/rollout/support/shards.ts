/** Shards over the scripted world, and segments taken apart. */
import { binaryColumn, columnArray, readTables } from '../../../../proto/flight/tables.js';
import { ShardCollector } from '../../../../workers/rollout/collector.js';
import { readBoundary, readSegmentBody } from '../../../../workers/rollout/segment-boundary.js';
import { ShardState } from '../../../../workers/rollout/shard-state.js';
import { ScriptedPolicy, ScriptedWorld, VERSION_3, type WorldScript } from './scripted-world.js';

export const SHARD = { run: 'r', shard: 5, seed: 42, segmentSteps: 8 };

export interface TestShard {
  readonly world: ScriptedWorld;
  readonly policy: ScriptedPolicy;
  readonly collector: ShardCollector;
}

export function createShard(size: number, script: WorldScript = {}): TestShard {
  const world = new ScriptedWorld(size, script);
  const policy = new ScriptedPolicy(world);
  const collector = new ShardCollector(new ShardState(SHARD, world, policy));
  return { world, policy, collector };
}

export async function beginShard(size: number, script: WorldScript = {}): Promise<TestShard> {
  const shard = createShard(size, script);
  await shard.collector.begin();
  shard.collector.usePolicy(VERSION_3);
  return shard;
}

export async function rebuildFrom(bytes: Uint8Array, size: number, script: WorldScript = {}): Promise<TestShard & { replayed: number }> {
  const shard = createShard(size, script);
  const replayed = await shard.collector.rebuild(readBoundary(bytes));
  shard.collector.usePolicy(VERSION_3);
  return { ...shard, replayed };
}

/** Columns of both tables by name, as plain arrays. */
export function takeApart(bytes: Uint8Array) {
  const [transitions, boundary] = readTables(bytes);
  const numbers = (name: string): number[] => Array.from(columnArray(transitions!, name) as Float32Array);
  const atEnd = (name: string): number[] => Array.from(columnArray(boundary!, name) as Float32Array);
  const texts = [...binaryColumn(transitions!, 'text')].map((text) => Buffer.from(text).toString('latin1'));
  return { transitions: transitions!, boundary: boundary!, body: readSegmentBody(bytes), end: readBoundary(bytes), numbers, atEnd, texts };
}
