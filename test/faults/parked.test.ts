/** Steps that cannot work are parked on real processes; each choice works by `laurel` and by Temporal's own program. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { FaultJudge } from '../../infra/chaos/fault-judge.js';
import { ensurePythonEnvironment } from '../../workers/assets/python-environment.js';
import { ASSETS, requireAsset } from '../../workers/assets/index.js';
import { PACKAGES } from '../../workers/rollout/environments/gymnasium/gymnasium-group.js';
import { layout } from '../../workers/store/layout.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { laurelDecides, parked, temporalStart, temporalUpdate, unparked } from './by-hand.js';
import { DisturbedRun } from './disturbed-run.js';

const runs: DisturbedRun[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) await run.remove();
});

const goesOn = async (run: DisturbedRun, versions = 4): Promise<void> => {
  const { version } = await run.status();
  await run.until('new versions', () => run.progress.version >= version + versions, 120_000);
};

/** Cannot be made while a file of that name lies beside it. */
const SOURCE = `
import os
import gymnasium as gym
import numpy as np

class Walk(gym.Env):
    observation_space = gym.spaces.Box(-1e6, 1e6, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)
    def __init__(self):
        if os.path.exists(os.path.join(os.path.dirname(__file__), "broken")):
            raise RuntimeError("the licence of the simulator has run out")
    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.steps = float(self.np_random.integers(10)), 0
        return np.array([self.place], np.float32), {}
    def step(self, action):
        self.place += 1.0 if action == 1 else -1.0
        self.steps += 1
        return np.array([self.place], np.float32), self.place / 10, self.steps >= 50, False, {}

gym.register("laurel/Walk-v0", Walk)
`;

describe.runIf(process.platform === 'linux')('a step that cannot work', () => {
  it('an environment that crashes at its start: the first step, then a shard; retried and left out by either program', async () => {
    const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), (_url, folder) => ({
      name: 'crashing',
      environment: { kind: 'gymnasium', id: 'walk_world:laurel/Walk-v0', python: join(folder, 'world', 'python') },
      policy: { preset: 'tiny' },
      sources: { reward: { kind: 'env' } },
      combine: { op: 'linear', weights: { reward: 1 } },
      learn: { batchSegments: 2 },
      rollout: { shards: 1, environmentsPerShard: 4, segmentSteps: 16 },
      evaluate: { episodes: 0 },
      stop: { runMs: 3_600_000 },
      seed: 2,
    }));
    runs.push(run);
    const world = join(run.project.folder, 'world');
    const broken = join(world, 'broken');
    await mkdir(world);
    await writeFile(join(world, 'walk_world.py'), SOURCE);
    await writeFile(join(world, 'python'), `#!/bin/sh\nPYTHONPATH='${world}' exec '${await ensurePythonEnvironment('gymnasium', PACKAGES)}' "$@"\n`, { mode: 0o755 });
    await promisify(execFile)(join(world, 'python'), ['-c', 'import walk_world']);

    // `laurel run` would find out before it begins; a job that is started without it finds out here.
    await writeFile(broken, '');
    run.cli = run.project.start(['up']);
    await run.cli.until(/Ctrl-C ends them/);
    expect(await temporalStart(run)).toMatchObject({ code: 0 });
    await run.until('the run', async () => (await run.status().catch(() => undefined)) !== undefined, 120_000);
    const first = await parked(run, 'prepare the run');
    expect(first).toMatchObject({ code: 'LAUREL_ENVIRONMENT_FAILED', choices: ['retry', 'skip', 'stop'] });
    expect(first.message).toContain('the licence of the simulator has run out');
    // What cannot be is refused with a code, in either program.
    const refused = await temporalUpdate(run, 'void', {});
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain('LAUREL_UPDATE_REFUSED');
    const refusedToo = await laurelDecides(run, 'retry', '77');
    expect(refusedToo.code).not.toBe(0);
    expect(refusedToo.output).toMatch(/LAUREL_UPDATE_REFUSED {2}expected one of the parked steps 1, got 77/);
    await rm(broken);
    expect(await temporalUpdate(run, 'retry', { id: first.id, by: 'ann' })).toMatchObject({ code: 0 });
    await goesOn(run);

    await writeFile(broken, '');
    const gone = run.kill('rollout');
    await run.untilBack('rollout', gone);
    const shard = await parked(run, 'collect shard 0');
    expect(shard).toMatchObject({ code: 'LAUREL_ENVIRONMENT_FAILED', choices: ['retry', 'skip', 'stop'] });
    expect(await laurelDecides(run, 'skip', shard.id)).toMatchObject({ code: 0 });
    await rm(broken);
    await unparked(run, shard.id);
    await goesOn(run);
    const { decisions, attention } = await run.status();
    expect(attention).toEqual([]);
    expect(decisions).toMatchObject([{ step: 'prepare the run', decision: 'retry', by: 'ann' }, { step: shard.step, decision: 'skip', by: 'ben' }]);
    for (const { sinceMs, decidedAtMs } of decisions) expect(decidedAtMs).toBeGreaterThan(sinceMs);
    expect(await temporalUpdate(run, 'stop', { by: 'eve' })).toMatchObject({ code: 0 });
    await run.until('the summary', async () => (await run.summary()) !== undefined);
    expect(await run.faults()).toEqual([]);
  }, 400_000);

  it('a model file that is none, then one of another model: annotation is parked, training goes on', async () => {
    const whole = (await requireAsset(ASSETS['gemma3-270m']))['model'] as string;
    const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), (_url, folder) => ({
      name: 'modelled',
      environment: { kind: 'grid-world', rooms: 4, distractors: 8, episodeStepsMax: 60 },
      policy: { preset: 'tiny' },
      sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', prompt: 'grid-v2', judge: { kind: 'embedded', model: { path: join(folder, 'judge.gguf') } }, callMs: 1_000 } } },
      combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
      learn: { batchSegments: 2 },
      rollout: { shards: 1, environmentsPerShard: 4, segmentSteps: 16 },
      evaluate: { episodes: 0 },
      stop: { runMs: 3_600_000 },
      seed: 2,
    }));
    runs.push(run);
    const file = join(run.project.folder, 'judge.gguf');
    await writeFile(file, 'a page that says that the file was not found');
    run.startCli();
    await run.until('the run', async () => (await run.status().catch(() => undefined)) !== undefined, 120_000);
    const none = await parked(run, 'open annotator helpful');
    expect(none).toMatchObject({ code: 'LAUREL_MODEL_INVALID', choices: ['retry', 'skip', 'stop'] });
    expect(none.nextTryAtMs ?? null).toBeNull();
    await copyFile(whole, file);
    expect(await laurelDecides(run, 'retry')).toMatchObject({ code: 0 });
    await run.until('labels', async () => ((await run.status()).annotations[0]?.log.labels ?? 0) > 0, 120_000);

    // Another model: one weight differs.
    const other = await open(file, 'r+');
    const { size } = await other.stat();
    const { buffer } = await other.read(Buffer.alloc(1), 0, 1, size - 1_000);
    await other.write(Buffer.from([buffer[0]! ^ 1]), 0, 1, size - 1_000);
    await other.close();
    const gone = run.kill('annotator');
    await run.untilBack('annotator', gone);
    const another = await parked(run, 'annotate helpful');
    expect(another).toMatchObject({ code: 'LAUREL_MODEL_INVALID' });
    expect(another.message).toContain('give all annotator workers the same model file');
    const { labels } = (await run.status()).annotations[0]!.log;
    // Nobody waits for it.
    await goesOn(run, 10);
    await copyFile(whole, file);
    expect(await temporalUpdate(run, 'retry', { by: 'ann' })).toMatchObject({ code: 0 });
    await run.until('more labels', async () => (await run.status()).annotations[0]!.log.labels > labels, 120_000);
    const { decisions } = await run.status();
    expect(decisions).toMatchObject([{ code: 'LAUREL_MODEL_INVALID', decision: 'retry', by: 'ben' }, { code: 'LAUREL_MODEL_INVALID', decision: 'retry', by: 'ann' }]);
    const { code, output } = await run.stop();
    expect(code, output).toBe(0);
    // Its judge keeps no journal of its own: store and history are asked.
    expect(await run.faults(false)).toEqual([]);
  }, 400_000);

  it('an entry of the label log that is torn: voided, left out, tried again and stopped, each by one program or the other', async () => {
    const run = await DisturbedRun.make(new FaultJudge({ seed: 1, faultShare: 0, thinkMs: [1, 2] }), (url) => ({
      name: 'torn',
      environment: { kind: 'grid-world', episodeStepsMax: 60 },
      policy: { preset: 'tiny' },
      sources: { game: { kind: 'env' }, helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', prompt: 'grid-v2', judge: { kind: 'openai', baseUrl: url, model: 'any' } } } },
      combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
      learn: { batchSegments: 2 },
      rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 16 },
      evaluate: { episodes: 0 },
      stop: { runMs: 3_600_000 },
      seed: 4,
    }));
    runs.push(run);
    run.startCli();
    const store = new LocalStore(run.project.store);
    await run.until('labels in rewards', async () => run.progress.version >= 4 && ((await run.status()).annotations[0]?.log.labels ?? 0) > 0, 120_000);
    const [annotator] = await store.list(layout.annotators);
    const key = layout.label(annotator!.key.slice(layout.annotators.length, -'.json'.length), 0);
    const whole = (await store.get(key))!;
    const tear = async (): Promise<void> => {
      await store.replace(key, whole.subarray(0, whole.length >> 1));
      // Nobody may go on from memory.
      const gone = run.kill('reward');
      await run.untilBack('reward', gone);
    };

    await tear();
    const voided = await parked(run, 'score');
    expect(voided).toMatchObject({ code: 'LAUREL_STORE_CORRUPT', choices: ['retry', 'skip', 'void', 'stop'] });
    const held = Number(/^score (\d+) segments/.exec(voided.step)![1]);
    expect(await temporalUpdate(run, 'void', { by: 'ann' })).toMatchObject({ code: 0 });
    await unparked(run, voided.id);
    const second = await parked(run, 'score');
    const heldToo = Number(/^score (\d+) segments/.exec(second.step)![1]);
    expect(await laurelDecides(run, 'skip', second.id)).toMatchObject({ code: 0 });
    await unparked(run, second.id);
    const third = await parked(run, 'score');
    await store.replace(key, whole);
    expect(await laurelDecides(run, 'retry')).toMatchObject({ code: 0 });
    await unparked(run, third.id);
    await goesOn(run);
    const { ledger } = await run.status();
    expect({ voided: ledger.voided, failed: ledger.failed }).toEqual({ voided: held, failed: { scoring: heldToo } });

    await tear();
    const last = await parked(run, 'score');
    expect(await temporalUpdate(run, 'stop', { by: 'eve' })).toMatchObject({ code: 0 });
    const { code, output } = await run.cli!.ended;
    expect(code, output).toBe(0);
    await store.replace(key, whole);
    expect(await run.faults()).toEqual([]);
    const summary = (await run.summary())!;
    expect(summary.status.decisions).toMatchObject([
      { step: voided.step, decision: 'void', by: 'ann' },
      { step: second.step, decision: 'skip', by: 'ben' },
      { step: third.step, decision: 'retry', by: 'ben' },
      { step: last.step, decision: 'stop', by: 'eve' },
    ]);
    for (const { sinceMs, decidedAtMs } of summary.status.decisions) expect(decidedAtMs).toBeGreaterThan(sinceMs);
  }, 400_000);
});
