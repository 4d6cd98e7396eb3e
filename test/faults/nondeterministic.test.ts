/** A Gymnasium environment that does not keep to its seed, under a worker that is killed. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { signal } from '../../infra/chaos/processes.js';
import { ensurePythonEnvironment } from '../../workers/assets/python-environment.js';
import { PACKAGES } from '../../workers/rollout/environments/gymnasium/gymnasium-group.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { DisturbedRun } from './disturbed-run.js';

/** Walks on a line by its actions; `Drifting` starts each process at a place that no seed decides. */
const SOURCE = `
import os
import gymnasium as gym
import numpy as np

class Line(gym.Env):
    observation_space = gym.spaces.Box(-1e6, 1e6, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)
    drift = 0.0
    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.steps = float(self.np_random.integers(100)), 0
        return self.look(), {}
    def look(self):
        return np.array([self.place + self.drift, self.steps], np.float32)
    def step(self, action):
        self.place += 1.0 if action == 1 else -1.0
        self.steps += 1
        return self.look(), 1.0 if action == 1 else 0.0, self.steps >= 5000, False, {}

class Drifting(Line):
    drift = float(os.getpid())

gym.register("laurel/Line-v0", Line)
gym.register("laurel/Drifting-v0", Drifting)
`;

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

/** A virtual environment of the test's own with the module above, made of the one that Laurel makes. */
async function interpreterWith(source: string, folder: string): Promise<string> {
  const base = await ensurePythonEnvironment('gymnasium', PACKAGES);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'line_world.py'), source);
  const script = join(folder, 'python');
  await writeFile(script, `#!/bin/sh\nPYTHONPATH='${folder}' exec '${base}' "$@"\n`, { mode: 0o755 });
  await promisify(execFile)(script, ['-c', 'import line_world']);
  return script;
}

/** Segments that wait for the learner are damaged: of this environment they cannot be made again. */
async function loseSegments(run: DisturbedRun, store: LocalStore): Promise<void> {
  const [learner] = run.processes('learner');
  signal(learner!.pid, 'SIGSTOP');
  await run.until('segments that wait', async () => (await run.status()).ledger.open >= 24);
  // One of each shard: a call under way may have read up to 16 of the segments, which may be all that wait of one shard.
  const whole = new Map<string, Uint8Array>();
  for (const shard of [0, 1]) {
    const folder = layout.segment('line', shard, 0).replace(/[^/]*$/, '');
    // Not the last one of its shard, from which the shard would have to be rebuilt.
    const key = (await store.list(layout.segments('line'))).filter((one) => one.key.startsWith(folder)).at(-2)!.key;
    const bytes = Buffer.from((await store.get(key))!);
    whole.set(key, Uint8Array.from(bytes));
    bytes[1_000]! ^= 1;
    await store.replace(key, bytes);
  }
  signal(learner!.pid, 'SIGCONT');
  await run.until('its end as failed', async () => ((await run.status()).ledger.failed['storage'] ?? 0) >= 1);
  // What was read before it was damaged has been trained on as it was.
  for (const [key, bytes] of whole) await store.replace(key, bytes);
  const { version } = run.progress;
  await run.until('new versions', () => run.progress.version >= version + 4);
}

describe.runIf(process.platform === 'linux')('an environment that does not repeat itself', () => {
  it.each([
    ['Drifting', 2 * 4],
    ['Line', 0],
  ])('laurel/%s-v0: %i episodes are lost when its worker is killed, and the run goes on', async (name, lost) => {
    const judge = new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] });
    let python = '';
    const run = await DisturbedRun.make(judge, (_url, folder) => {
      python = join(folder, 'line', 'python');
      return {
        name: 'line',
        environment: { kind: 'gymnasium', id: `line_world:laurel/${name}-v0`, python },
        policy: { preset: 'tiny' },
        sources: { reward: { kind: 'env' } },
        combine: { op: 'linear', weights: { reward: 1 } },
        learn: { batchSegments: 2 },
        rollout: { shards: 2, environmentsPerShard: 4, segmentSteps: 16 },
        evaluate: { episodes: 0 },
        stop: { runMs: 3_600_000 },
        seed: 2,
      };
    });
    runs.push(run);
    await interpreterWith(SOURCE, join(run.project.folder, 'line'));
    run.startCli();
    // Every environment is in its first episode, which lasts 5,000 steps.
    await run.until('some updates', () => run.progress.version >= 4, 120_000);
    const gone = run.kill('rollout');
    await run.untilBack('rollout', gone);
    const store = new LocalStore(run.project.store);
    const stored = async (shard: number): Promise<number> => (await store.list(layout.segments('line'))).filter(({ key }) => key.startsWith(layout.segment('line', shard, 0).replace(/\/[^/]*$/, '/'))).length;
    const before = await Promise.all([stored(0), stored(1)]);
    await run.until('new segments of both shards', async () => (await stored(0)) > before[0]! + 20 && (await stored(1)) > before[1]! + 20);
    const { episodes, attention } = await run.status();
    expect(attention).toEqual([]);
    expect(episodes).toMatchObject({ failed: lost, nondeterministic: lost });
    if (lost > 0) await loseSegments(run, store);
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    expect(await run.faults()).toEqual([]);
  }, 200_000);
});
