/**
 * One training step (forward, backward, clip, Adam) of the shipped NetHack job against PyTorch eager: the same network,
 * batch shape and one thread each, taking turns in one run. test/unit/learner/pytorch-parity.test.ts shows that both compute the same.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../infra/folders.js';
import { CounterRandom } from '../proto/philox.js';
import { resolveJob } from '../proto/resolve.js';
import { sizeOf } from '../workers/learner/graph/graph.js';
import { Network } from '../workers/learner/networks/network.js';
import type { TrainerState } from '../workers/learner/loss-session.js';
import { initialTrainerState, TrainStepper, type TrainingBatch } from '../workers/learner/stepper.js';
import type { ObservationSpace, Spaces } from '../workers/rollout/environments/environment.js';
import { environmentSpaces } from '../workers/rollout/environments/registry.js';
import { ensurePython } from '../test/reference/ensure-python.js';
import { median, startPeer } from './peer.js';
import type { Row } from './pipeline.js';
import { actorCriticOf, networkPolicyOf } from '../proto/learning.js';

const ROUNDS = 9;
const STEPS = 4;

export async function benchLearner(): Promise<readonly Row[]> {
  const python = process.env['LAUREL_REFERENCE_PYTHON'] || (await ensurePython('torch'));
  const rows: Row[] = [];
  for (const name of ['nethack-oni', 'grid-world']) rows.push(await compare(name, python));
  return rows;
}

async function compare(example: string, python: string): Promise<Row> {
  const job = resolveJob(JSON.parse(await readFile(join(projectRoot(), 'examples', `${example}.json`), 'utf8')));
  const spaces = await environmentSpaces(job.environment);
  const network = new Network(spaces, networkPolicyOf(job.policy));
  const grid = [job.rollout.segmentSteps, job.learn.batchSegments * job.rollout.environmentsPerShard] as const;
  const stepper = await TrainStepper.create(network, actorCriticOf(job.learn), ...grid);
  const peer = await startPeer([python, join(projectRoot(), 'bench', 'learner_reference.py')], JSON.stringify({ spaces, policy: job.policy, learn: job.learn, grid }));
  try {
    const parameters = network.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    if (peer.greeting !== `ready ${parameters}`) throw new Error(`expected the reference to have ${parameters} parameters too, it said: ${peer.greeting}`);
    const batch = randomBatch(spaces, network.stateSize, ...grid);
    let state: TrainerState = initialTrainerState(network, job.seed);
    const own = async (): Promise<number> => {
      const begun = performance.now();
      for (let step = 0; step < STEPS; step++) ({ state } = await stepper.step(state, batch));
      return (performance.now() - begun) / 1000;
    };
    const turns: { ours: number; reference: number }[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const turn = { ours: (await own()) / STEPS, reference: (await peer.time(`step ${STEPS}`, STEPS)) / STEPS };
      // The first round warms both up.
      if (round >= 0) turns.push(turn);
    }
    const ours = median(turns.map((turn) => turn.ours * 1000));
    const reference = median(turns.map((turn) => turn.reference * 1000));
    return { what: `learner step of ${example} (${parameters.toLocaleString('en')} parameters, batch ${grid.join(' x ')}) against PyTorch eager`, unit: 'ms, less is better', ours, reference, ratio: median(turns.map((turn) => turn.ours / turn.reference)) };
  } finally {
    await stepper.release();
    await peer.close();
  }
}

function randomBatch(spaces: Spaces, stateSize: number, steps: number, width: number): TrainingBatch {
  const random = new CounterRandom(1, 'parameterInit');
  const rows = steps * width;
  let stream = 0;
  const uniform = (count: number): Float64Array => {
    stream += 1;
    return Float64Array.from({ length: count }, (_, index) => random.uniform(index, stream));
  };
  const observation = (space: ObservationSpace): Uint8Array | Int16Array | Int32Array | Float32Array => {
    const values = uniform(rows * sizeOf(space.shape));
    const below = space.kind === 'glyphs' ? (space.vocabulary ?? 256) : space.kind === 'text' || space.kind === 'image' ? 256 : 25;
    const arrays = { uint8: Uint8Array, int16: Int16Array, int32: Int32Array, float32: Float32Array } as const;
    const array = new arrays[space.type](values.length);
    values.forEach((value, index) => (array[index] = space.type === 'float32' ? value : Math.floor(value * below)));
    return array;
  };
  const { action } = spaces;
  const grid = (value: number): Float32Array => new Float32Array(rows).fill(value);
  return {
    observations: Object.fromEntries(Object.entries(spaces.observations).map(([name, space]) => [name, observation(space)])),
    state: stateSize > 0 ? new Float32Array(width * stateSize) : null,
    keep: grid(1),
    action: action.kind === 'discrete' ? BigInt64Array.from(uniform(rows), (value) => BigInt(Math.floor(value * action.count))) : Float32Array.from(uniform(rows * action.size)),
    behaviourLogProb: grid(-3),
    behaviourValue: grid(0),
    bootstrapValue: grid(0),
    reward: Float32Array.from(uniform(rows)),
    done: grid(0),
    weight: grid(1),
  };
}
