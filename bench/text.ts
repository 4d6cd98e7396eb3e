/**
 * A small transformer (the layers of Llama: root mean square norms, rotary positions, SwiGLU, tied embedding) against
 * the same one in `transformers`: a GRPO step against TRL's loss with PyTorch's Adam, and tokens written at batch 16
 * against `generate`. One thread each, taking turns in one run; both computations are held to each other's by tests
 * (test/unit/learner/transformer.test.ts, test/unit/text/losses.test.ts).
 */
import { join } from 'node:path';
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { projectRoot } from '../infra/folders.js';
import { learnSchema } from '../proto/learning.js';
import { CounterRandom } from '../proto/philox.js';
import { ensurePython } from '../test/reference/ensure-python.js';
import { sizeOf } from '../workers/learner/graph/graph.js';
import { freshTrainerState } from '../workers/learner/loss-session.js';
import { groupPolicyGradientLoss } from '../workers/learner/losses/group-policy-gradient.js';
import { textRows } from '../workers/learner/text/text-batch.js';
import { TextStepper } from '../workers/learner/text/text-stepper.js';
import { transformerSpec } from '../workers/learner/transformer/specification.js';
import { Transformer } from '../workers/learner/transformer/transformer.js';
import { Generator } from '../workers/rollout/text/generator.js';
import { median, startPeer, type Peer } from './peer.js';
import type { Row } from './pipeline.js';

const SHAPE = { vocabulary: 64, prompt: 16, completion: 48, rows: 64, written: 16 } as const;
const ROUNDS = 9;
const STEPS = 4;
/** No token ends a text here: both sides write as many. */
const NO_END = -1;

export async function benchText(): Promise<readonly Row[]> {
  const python = process.env['LAUREL_REFERENCE_PYTHON'] || (await ensurePython('trl'));
  const transformer = new Transformer(transformerSpec('small', SHAPE.vocabulary, SHAPE.prompt + SHAPE.completion, { activation: 'swiglu', feedForward: 256 }));
  const count = transformer.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const peer = await startPeer([python, join(projectRoot(), 'bench', 'text_reference.py')], JSON.stringify({ ...SHAPE, ...transformer.spec }));
  try {
    if (peer.greeting !== `ready ${count}`) throw new Error(`expected the reference to have ${count} parameters too, it said: ${peer.greeting}`);
    const step = await compare(peer, 'step', STEPS, await ourStep(transformer));
    const tokens = SHAPE.written * SHAPE.completion;
    const writing = await compare(peer, 'generate', STEPS, await ourWriting(transformer));
    const ms = (seconds: number): number => seconds * 1000;
    return [
      { what: `GRPO step (${count.toLocaleString('en')} parameters, ${SHAPE.rows} x ${SHAPE.prompt + SHAPE.completion} tokens) against TRL's loss in PyTorch eager`, unit: 'ms, less is better', ours: ms(step.ours), reference: ms(step.reference), ratio: step.ratio },
      { what: `writing, batch ${SHAPE.written}, ${SHAPE.completion} tokens each, against transformers' generate`, unit: 'tokens/s', ours: tokens / writing.ours, reference: tokens / writing.reference, ratio: 1 / writing.ratio },
    ];
  } finally {
    await peer.close();
  }
}

/** Medians of seconds for one, and of the ratios within a turn. */
async function compare(peer: Peer, command: string, count: number, own: () => Promise<void>): Promise<{ ours: number; reference: number; ratio: number }> {
  const turns: { ours: number; reference: number }[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const begun = performance.now();
    for (let at = 0; at < count; at++) await own();
    const turn = { ours: (performance.now() - begun) / 1000 / count, reference: (await peer.time(`${command} ${count}`, count)) / count };
    // The first round warms both up.
    if (round >= 0) turns.push(turn);
  }
  return { ours: median(turns.map((turn) => turn.ours)), reference: median(turns.map((turn) => turn.reference)), ratio: median(turns.map((turn) => turn.ours / turn.reference)) };
}

async function ourStep(transformer: Transformer): Promise<() => Promise<void>> {
  const learn = learnSchema.parse({ kind: 'group-policy-gradient' });
  if (learn.kind !== 'group-policy-gradient') throw new Error('expected a group policy gradient');
  const random = new CounterRandom(1, 'test');
  const drawn = (row: number, count: number): number[] => Array.from({ length: count }, (_, at) => 1 + Math.floor((SHAPE.vocabulary - 1) * random.uniform(row, at)));
  const rows = textRows(Array.from({ length: SHAPE.rows }, (_, row) => ({ prompt: drawn(row, SHAPE.prompt), completion: drawn(row + 1000, SHAPE.completion) })));
  const stepper = new TextStepper(transformer, 1, learn, (g, inputs, count, length) =>
    groupPolicyGradientLoss(g, learn, SHAPE.completion, { ...inputs, weight: g.input('weight', [count]), advantage: g.input('advantage', [count]), behaviourLogProb: g.input('behaviourLogProb', [count, length]), referenceLogProb: null }),
  );
  const column = (value: (row: number) => number): OrtTensor => new OrtTensor('float32', Float32Array.from({ length: rows.rows }, (_, row) => value(row)), [rows.rows]);
  let state = freshTrainerState(transformer.initialParameters(1));
  const behaviourLogProb = new OrtTensor('float32', await stepper.logProbs(state.parameters, rows), [rows.rows, rows.length]);
  const feeds = { weight: column(() => 1), advantage: column((row) => Math.sin(row)), behaviourLogProb };
  return async () => void ({ state } = await stepper.step(state, rows, feeds));
}

async function ourWriting(transformer: Transformer): Promise<() => Promise<void>> {
  const generator = new Generator(transformer, 1, SHAPE.completion, NO_END);
  generator.useParameters(transformer.initialParameters(1));
  const random = new CounterRandom(1, 'test');
  const requests = Array.from({ length: SHAPE.written }, (_, row) => ({ promptTokens: Array.from({ length: SHAPE.prompt }, (_unused, at) => (row * 7 + at * 3) % SHAPE.vocabulary), address: [0, row, 0] as const }));
  return async () => {
    const { rows } = await generator.write(requests, random);
    if (rows.some(({ tokens }) => tokens.length !== SHAPE.completion)) throw new Error('expected each row to have its tokens');
  };
}
