/** Lockstep runs on real processes: the same job gives the same bytes, killed or not. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { historiesOf } from '../../infra/chaos/histories.js';
import { CounterRandom } from '../../proto/philox.js';
import { LocalStore } from '../../workers/store/local-store.js';
import { checkInvariants } from '../../workers/verify/invariants.js';
import { Project, type CliProcess } from '../infra/cli-process.js';
import { COMPUTED, digestsIn } from '../support/digests.js';

const projects: Project[] = [];
afterEach(async () => {
  for (const project of projects.splice(0)) await project.remove();
});

function job(environment: Record<string, unknown>): Record<string, unknown> {
  return {
    name: 'lockstep',
    environment,
    policy: { preset: 'tiny' },
    sources: {
      game: { kind: 'env' },
      helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'open doors', judge: { kind: 'scripted', rules: [{ pattern: 'key|door|kill|gold', probability: 0.9 }], otherwise: 0.1, noise: 0.05, delayMs: 5 } } },
    },
    shape: [{ op: 'episodic-count-decay', on: 'helpful' }],
    combine: { op: 'linear', weights: { game: 1, helpful: 0.5 } },
    learn: { batchSegments: 2, epochs: 2 },
    rollout: { shards: 2, environmentsPerShard: 8, segmentSteps: 32 },
    schedule: { mode: 'lockstep', segmentsPerCall: 2, checkpointVersions: 4 },
    evaluate: { episodes: 4, environments: 4 },
    stop: { versions: 12 },
    seed: 3,
  };
}

/** Policy, learner and segments of texts; the judge reads completions. */
function textJob(): Record<string, unknown> {
  return {
    ...job({ kind: 'text', task: { name: 'json-recipe' }, completionTokensMax: 36 }),
    policy: { kind: 'transformer', preset: 'tiny', tokens: { kind: 'byte-pair', merges: 16 } },
    sources: {
      valid: { kind: 'env', component: 'valid' },
      helpful: { kind: 'model', fit: 'retrieval', annotator: { goal: 'write recipes', judge: { kind: 'scripted', rules: [{ pattern: '"m":', probability: 0.9 }], otherwise: 0.1, noise: 0.05, delayMs: 5 } } },
    },
    shape: [],
    combine: { op: 'linear', weights: { valid: 1, helpful: 0.5 } },
    learn: { kind: 'group-policy-gradient', groupSize: 4, batchSegments: 2, epochs: 2, klCoefficient: 0.02, warmStart: { steps: 40 } },
    rollout: { shards: 2, environmentsPerShard: 4 },
  };
}

async function play(spec: Record<string, unknown>, disturb?: (project: Project, run: CliProcess) => Promise<void>): Promise<Record<string, string>> {
  const project = await Project.make();
  projects.push(project);
  const file = join(project.folder, 'job.json');
  await writeFile(file, JSON.stringify(spec));
  const run = project.start(['run', file]);
  const disturbing = disturb?.(project, run);
  const { code, output } = await run.ended;
  await disturbing;
  expect(code, output).toBe(0);
  const store = new LocalStore(project.store);
  expect((await checkInvariants({ store, run: 'lockstep', histories: await historiesOf(project.state, 'lockstep'), over: true })).faults).toEqual([]);
  return digestsIn(store, 'runs/lockstep/', COMPUTED);
}

/** Kills a worker of each pool once, at moments and in an order drawn from a seed. */
async function killEachOnce(project: Project, run: CliProcess): Promise<void> {
  const random = new CounterRandom(5, 'test');
  let over = false;
  void run.ended.then(() => (over = true));
  const pools = ['rollout', 'learner', 'reward', 'annotator', 'workflows'].sort((a, b) => random.uniform(a.length, a.charCodeAt(0)) - random.uniform(b.length, b.charCodeAt(0)));
  await run.until(/Running/);
  for (const [index, pool] of pools.entries()) {
    await new Promise((resolve) => setTimeout(resolve, 600 + 1_200 * random.uniform(index)));
    if (over) return;
    const log = await readFile(join(project.state, 'logs', `${pool}.log`), 'utf8');
    const pid = Number([...log.matchAll(/"pid":(\d+)/g)].at(-1)?.[1]);
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was about to start again.
    }
  }
}

describe('a lockstep run', () => {
  it.each([
    ['the grid world', job({ kind: 'grid-world', episodeStepsMax: 60 })],
    ['NetHack', job({ kind: 'nethack', episodeStepsMax: 200 })],
    ['texts', textJob()],
  ])('on %s gives the same digest of every segment, reward, update and checkpoint when run twice, once with every pool killed', async (_name, spec) => {
    const quiet = await play(spec);
    const kinds = new Set(Object.keys(quiet).map((key) => key.split('/')[2]));
    expect([...kinds].sort()).toEqual(['checkpoints', 'evaluations', 'policies', 'rewards', 'segments', 'spec.json', 'updates']);
    const disturbed = await play(spec, killEachOnce);
    expect(disturbed).toEqual(quiet);
  }, 600_000);
});
