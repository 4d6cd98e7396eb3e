/** Version 0 of a text policy by imitation of demonstrations. A pure function of the job. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { CounterRandom } from '../../../proto/philox.js';
import type { TextLearnSpec, WarmStartSpec } from '../../../proto/learning.js';
import { hashOf } from '../../store/artifacts.js';
import { Draws } from '../../text/draws.js';
import { TrainingPrompts } from '../../text/prompts.js';
import type { TextTask } from '../../text/tasks/task.js';
import { END_TOKEN, type TokenCoder } from '../../text/tokens.js';
import { weightedLikelihoodLoss } from '../losses/weighted-likelihood.js';
import { freshTrainerState, type TrainerState } from '../loss-session.js';
import type { Transformer } from '../transformer/transformer.js';
import { textRows } from './text-batch.js';
import { TextStepper } from './text-stepper.js';
import { remembered } from '../../remembered.js';

export interface WarmStart {
  readonly spec: WarmStartSpec;
  readonly learn: TextLearnSpec;
  readonly task: TextTask;
  readonly coder: TokenCoder;
  readonly transformer: Transformer;
  readonly temperature: number;
  readonly completionTokensMax: number;
  /** Seed of the job. */
  readonly seed: number;
}

/** Version 0 is wanted when a run begins, again when its first update is made, and by other runs that differ elsewhere. */
const KEPT_MAX = 4;

/** What was imitated lately, by what it depends on. */
export class WarmStarts {
  private readonly kept = new Map<string, Promise<TrainerState>>();

  /** @param of parts of the job that all of `start` follows from */
  get(of: Readonly<Record<string, unknown>>, start: WarmStart): Promise<TrainerState> {
    return remembered(this.kept, hashOf(of), KEPT_MAX, () => warmStart(start));
  }
}

/** Parameters after the imitation; the moments of Adam begin anew. */
async function warmStart({ spec, learn, task, coder, transformer, temperature, completionTokensMax, seed }: WarmStart): Promise<TrainerState> {
  const prompts = new TrainingPrompts(task, seed);
  const pool = Array.from({ length: spec.demonstrations }, (_, number) => {
    const { prompt, completion } = prompts.demonstration(number);
    return { prompt: coder.encode(prompt.text), completion: [...coder.encode(completion), END_TOKEN].slice(0, completionTokensMax) };
  });
  const stepper = new TextStepper(transformer, temperature, { ...learn, learningRate: spec.learningRate }, (g, tokens, rows) => weightedLikelihoodLoss(g, { ...tokens, weight: g.input('weight', [rows]) }));
  const weight = new OrtTensor('float32', new Float32Array(spec.batch).fill(1), [spec.batch]);
  const random = new CounterRandom(seed, 'warmStart');
  let state = freshTrainerState(transformer.initialParameters(seed));
  try {
    for (let step = 0; step < spec.steps; step++) {
      const draws = new Draws(random, step);
      const chosen = Array.from({ length: spec.batch }, () => draws.pick(pool));
      state = (await stepper.step(state, textRows(chosen), { weight })).state;
    }
  } finally {
    await stepper.release();
  }
  return freshTrainerState(state.parameters);
}
