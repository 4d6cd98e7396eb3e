/** E4 for policies over few answers: expected rewards under it and under the reference, and divergences, exactly. */
import type { ModelEvaluationOf } from '../../../proto/preference-evaluate.js';
import { listsOf, unitNumbers } from '../dataset.js';
import { mean } from '../statistics.js';
import { logSoftmax } from '../workloads/bandit.js';
import { exact, type Evaluated, type EvaluationContext } from './evaluation.js';

export async function policyFigures(spec: ModelEvaluationOf<'policy'>, { scoring, data }: EvaluationContext): Promise<Evaluated> {
  const { start, size } = listsOf(data, 'an evaluation of a policy');
  const { width, values } = await scoring.score(spec.of, data);
  const mixture = spec.mixture ?? [1];
  const logReference = unitNumbers(data, 'logReference');
  const columns = Object.entries(data.units).flatMap(([name, column]) => (column.width === 1 && /^(r\d+|level|gold)$/.test(name) ? [[name, column.values] as const] : []));
  const prompts = Array.from(start, (from, prompt) => {
    const rows = Array.from({ length: size[prompt] as number }, (_, index) => from + index);
    // Heads are mixed as logits, as in decoding; one head of weight 1 is itself.
    const logPolicy = logSoftmax(rows.map((row) => mixture.reduce((sum, weight, head) => sum + weight * (values[row * width + head] as number), 0)));
    const logBase = rows.map((row) => logReference[row] as number);
    const optimum = logSoftmax(rows.map((row, index) => (logBase[index] as number) + Object.entries(spec.rewards).reduce((sum, [name, weight]) => sum + (weight * (unitNumbers(data, name)[row] as number)) / spec.beta, 0)));
    const expected = (logProbs: readonly number[], values: Float32Array): number => rows.reduce((sum, row, index) => sum + Math.exp(logProbs[index] as number) * (values[row] as number), 0);
    return { rewards: columns.map(([, numbers]) => expected(logPolicy, numbers)), before: columns.map(([, numbers]) => expected(logBase, numbers)), optimum: divergence(optimum, logPolicy), reference: divergence(logPolicy, logBase), target: targetDivergence(scoring, data, rows, logPolicy) };
  });
  return {
    items: prompts.length,
    means: {
      ...Object.fromEntries(columns.map(([name], index) => [`expected.${name}`, exact(mean(prompts.map(({ rewards }) => rewards[index] as number)))])),
      ...Object.fromEntries(columns.map(([name], index) => [`reference.${name}`, exact(mean(prompts.map(({ before }) => before[index] as number)))])),
      ...Object.fromEntries(prompts.length <= 16 && data.units['level'] ? prompts.map(({ rewards }, prompt) => [`level.prompt-${prompt}`, exact(rewards[columns.findIndex(([name]) => name === 'level')] as number)]) : []),
      ...(Object.keys(spec.rewards).length > 0 ? { 'divergence.optimum': exact(mean(prompts.map(({ optimum }) => optimum))) } : {}),
      'divergence.reference': exact(mean(prompts.map(({ reference }) => reference))),
      ...(prompts.every(({ target }) => target !== null) ? { 'divergence.target': exact(mean(prompts.map(({ target }) => target as number))) } : {}),
    },
  };
}

/** KL(p || q) in nats from log-probabilities. */
export function divergence(logP: readonly number[], logQ: readonly number[]): number {
  return logP.reduce((sum, log, index) => sum + Math.exp(log) * (log - (logQ[index] as number)), 0);
}

/** KL of P(a | y) P(y) / Z to the policy where the table says which level of an attribute is asked for, with the deviation that the policy was trained with. */
function targetDivergence(scoring: EvaluationContext['scoring'], data: EvaluationContext['data'], rows: readonly number[], logPolicy: readonly number[]): number | null {
  const learn = Object.values(scoring.options.job.learn).find((one) => one.kind === 'weighted-mle' && one.weights === 'steerlm2');
  if (data.units['requested'] === undefined || learn?.kind !== 'weighted-mle') return null;
  const [requested, level, logReference] = ['requested', 'level', 'logReference'].map((name) => unitNumbers(data, name)) as [Float32Array, Float32Array, Float32Array];
  const target = logSoftmax(rows.map((row) => (logReference[row] as number) - ((requested[row] as number) - (level[row] as number)) ** 2 / (2 * learn.deviation ** 2)));
  return divergence(target, logPolicy);
}
