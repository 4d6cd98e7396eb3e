/** A transformer that is trained on completions: by policy gradient within groups, or by weighted likelihood. */
import { Tensor as OrtTensor } from 'onnxruntime-node';
import { rowsPerEnvironment } from '../../../proto/job.js';
import { textLearnOf, transformerPolicyOf } from '../../../proto/learning.js';
import { canonicalJson } from '../../store/artifacts.js';
import { layout } from '../../store/layout.js';
import { textTask } from '../../text/tasks/registry.js';
import { TokenCoder } from '../../text/tokens.js';
import { groupPolicyGradientLoss } from '../losses/group-policy-gradient.js';
import { weightedLikelihoodLoss } from '../losses/weighted-likelihood.js';
import { freshTrainerState, type Feeds, type TrainerState } from '../loss-session.js';
import type { Trainee, TraineeContext } from '../trainee.js';
import { advantagesOf, groupsOf, isEqualGroup } from './advantages.js';
import { exportTextPolicy } from './export-text-policy.js';
import { likelihoodWeights, type CompletionLogProbs } from './likelihood-weights.js';
import { assembleTextBatch, type TextBatch } from './text-batch.js';
import { textEnvironmentOf, textTransformer, tokensOf } from './text-network.js';
import { TextStepper, type TextLoss } from './text-stepper.js';
import type { WarmStarts } from './warm-start.js';

export async function createTextTrainee({ run, job, versionZero }: TraineeContext, warmStarts: WarmStarts): Promise<Trainee> {
  const environment = textEnvironmentOf(job);
  const policy = transformerPolicyOf(job.policy);
  const learn = textLearnOf(job.learn);
  const { seed } = job;
  const { completionTokensMax } = environment;
  const { temperature } = policy;
  const task = textTask(environment.task);
  const tokens = tokensOf(environment, policy, seed);
  const transformer = textTransformer(environment, policy, tokens);
  const usesReference = learn.kind === 'group-policy-gradient' ? learn.klCoefficient > 0 : learn.weighting === 'steerlm2';
  const loss: TextLoss = (g, inputs, rows, length) => {
    const weight = g.input('weight', [rows]);
    if (learn.kind === 'weighted-mle') return weightedLikelihoodLoss(g, { ...inputs, weight });
    const referenceLogProb = usesReference && learn.estimator !== 'reinforce++' ? g.input('referenceLogProb', [rows, length]) : null;
    return groupPolicyGradientLoss(g, learn, completionTokensMax, { ...inputs, weight, advantage: g.input('advantage', [rows]), behaviourLogProb: g.input('behaviourLogProb', [rows, length]), referenceLogProb });
  };
  const stepper = new TextStepper(transformer, temperature, learn, loss);
  let reference: ReturnType<TraineeContext['versionZero']> | undefined;
  return {
    parameters: transformer.parameters,
    rewardNames: task.rewards,
    statisticNames: [],
    files: [{ key: layout.tokens(run), bytes: Buffer.from(`${canonicalJson(tokens)}\n`) }],
    begin: async () =>
      learn.warmStart === null
        ? freshTrainerState(transformer.initialParameters(seed))
        : warmStarts.get({ environment, policy, learn, seed }, { spec: learn.warmStart, learn, task, coder: new TokenCoder(tokens), transformer, temperature, completionTokensMax, seed }),
    async train(state, parts) {
      const batch = assembleTextBatch(parts, job.rollout.environmentsPerShard * rowsPerEnvironment(job));
      const { rows, length } = batch;
      const referenceLogProb = usesReference ? await stepper.logProbs(await (reference ??= versionZero()), batch) : null;
      const grid = (values: Float32Array): OrtTensor => new OrtTensor('float32', values, [rows, length]);
      const column = (values: readonly number[]): OrtTensor => new OrtTensor('float32', Float32Array.from(values), [rows]);
      const known = batch.rewards.map((reward) => (Number.isNaN(reward) ? 0 : 1));
      const groups = groupsOf(batch.rewards, learn.groupSize);
      const feedsOf = async (parameters: TrainerState['parameters']): Promise<Feeds> => {
        if (learn.kind === 'group-policy-gradient') {
          const penalties = referenceLogProb === null ? null : sums(batch, (at) => learn.klCoefficient * ((batch.behaviourLogProb[at] as number) - (referenceLogProb[at] as number)));
          const advantages = advantagesOf(learn.estimator, batch.rewards, learn.groupSize, penalties).map((value) => (Number.isNaN(value) ? 0 : value));
          return { weight: column(known), advantage: column(advantages), behaviourLogProb: grid(batch.behaviourLogProb), ...(referenceLogProb && learn.estimator !== 'reinforce++' ? { referenceLogProb: grid(referenceLogProb) } : {}) };
        }
        const logProbs = referenceLogProb === null ? null : completionLogProbs(batch, referenceLogProb, await stepper.logProbs(parameters, batch));
        const weights = groups.flatMap((group, index) => likelihoodWeights(learn, group, logProbs?.slice(index * learn.groupSize, (index + 1) * learn.groupSize) ?? null));
        return { weight: column(weights) };
      };
      // Only the weights of SteerLM 2.0 depend on the policy as it is now.
      let feeds = await feedsOf(state.parameters);
      let trained = await stepper.step(state, batch, feeds);
      for (let epoch = 1; epoch < learn.epochs; epoch++) {
        if (learn.kind === 'weighted-mle' && learn.weighting === 'steerlm2') feeds = await feedsOf(trained.state.parameters);
        trained = await stepper.step(trained.state, batch, feeds);
      }
      const rewards = batch.rewards.filter((reward) => !Number.isNaN(reward));
      const metrics = {
        ...trained.metrics,
        rewardMean: rewards.length === 0 ? 0 : rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length,
        equalGroups: groups.filter(isEqualGroup).length / groups.length,
        tokensMean: batch.mask.reduce((sum, one) => sum + one, 0) / rows,
      };
      return { state: trained.state, metrics };
    },
    exportPolicy: (state, version) => exportTextPolicy({ transformer, tokens, policy, job, state, version }),
    release: () => stepper.release(),
  };
}

/** A sum over the tokens of each completion. */
function sums({ rows, length, mask }: TextBatch, value: (at: number) => number): number[] {
  return Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let at = row * length; at < (row + 1) * length; at++) if (mask[at] === 1) sum += value(at);
    return sum;
  });
}

function completionLogProbs(batch: TextBatch, reference: Float32Array, current: Float32Array): CompletionLogProbs[] {
  const [r, c, b] = [reference, current, batch.behaviourLogProb].map((values) => sums(batch, (at) => values[at] as number)) as [number[], number[], number[]];
  return r.map((value, row) => ({ reference: value, current: c[row] as number, behaviour: b[row] as number }));
}
