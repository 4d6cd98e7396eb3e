/**
 * What a reward expression remembers from batch to batch: multipliers of constraints, and running moments. The run decides it (it is
 * part of its state and of every scoring), so that a value follows from what is recorded and from nothing else. Pure.
 */
import type { Job } from './job.js';
import { faded, merged, NO_MOMENTS, type Moments } from './moments.js';
import type { RewardRef } from './references.js';
import { combinatorsOf, nameOf, type LagrangianSpec } from './reward-combine.js';

export interface RewardState {
  /** mu (form proxy) or lambda (form inequality), by `<name of the combinator>.<name of the constraint>`; at the root `total`. */
  readonly multipliers: Readonly<Record<string, number>>;
  /** Of values before they are standardised, by `<place in shape>.<element>`. */
  readonly moments: Readonly<Record<string, Moments>>;
}

/** A multiplier beyond this changes nothing that a policy can still follow. */
const MULTIPLIER_MAX = 100;
const ROOT = 'total';

/** undefined: the expression remembers nothing. */
export function initialRewardState(job: Pick<Job, 'combine' | 'shape'>): RewardState | undefined {
  const multipliers = Object.fromEntries(lagrangians(job).flatMap((spec) => spec.constraints.map((constraint, index) => [multiplierName(spec, index), constraint.initial] as const)));
  const running = job.shape.some((shape) => shape.op === 'standardise' && shape.by === 'running');
  return Object.keys(multipliers).length === 0 && !running ? undefined : { multipliers, moments: {} };
}

/** After a batch was trained on: each multiplier moves by what the mean of its constraint was, moments take the new values in. */
export function advanceRewardState(job: Pick<Job, 'combine' | 'shape'>, state: RewardState, rewards: readonly RewardRef[]): RewardState {
  const multipliers: Record<string, number> = { ...state.multipliers };
  for (const spec of lagrangians(job)) {
    spec.constraints.forEach((_, index) => {
      const name = multiplierName(spec, index);
      const mean = meanOf(rewards, constraintName(spec, index));
      if (mean !== null) multipliers[name] = moved(spec, index, multipliers[name] ?? 0, mean);
    });
  }
  const moments: Record<string, Moments> = { ...state.moments };
  for (const reward of rewards) {
    for (const [key, fresh] of Object.entries(reward.moments ?? {})) {
      const shape = job.shape[Number(key.split('.')[0])];
      const window = shape?.op === 'standardise' ? shape.window : Number.POSITIVE_INFINITY;
      moments[key] = merged(faded(moments[key] ?? NO_MOMENTS, window), fresh);
    }
  }
  return { multipliers, moments };
}

/** Weights of the objective and of each constraint, as the multipliers are now. */
export function multiplierWeights(spec: LagrangianSpec, state: RewardState | undefined): { readonly objective: number; readonly constraints: readonly number[] } {
  const multipliers = spec.constraints.map(({ initial }, index) => state?.multipliers[multiplierName(spec, index)] ?? initial);
  if (spec.form === 'proxy') {
    const lambdas = multipliers.map((mu) => linked(spec.link, mu));
    return { objective: lambdas.length - lambdas.reduce((sum, lambda) => sum + lambda, 0), constraints: lambdas };
  }
  const signs = spec.constraints.map(({ atMost }) => (atMost === undefined ? 1 : -1));
  if (spec.normalise === 'none') return { objective: 1, constraints: multipliers.map((lambda, index) => (signs[index] as number) * lambda) };
  const most = Math.max(0, ...multipliers);
  const powers = [0, ...multipliers].map((lambda) => Math.exp(lambda - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return { objective: (powers[0] as number) / sum, constraints: powers.slice(1).map((power, index) => ((signs[index] as number) * power) / sum) };
}

export function multiplierName(spec: LagrangianSpec, constraint: number): string {
  return `${spec.name ?? ROOT}.${constraintName(spec, constraint)}`;
}

function constraintName(spec: LagrangianSpec, constraint: number): string {
  return nameOf((spec.constraints[constraint] as LagrangianSpec['constraints'][number]).of) ?? String(constraint);
}

function lagrangians(job: Pick<Job, 'combine'>): LagrangianSpec[] {
  return combinatorsOf(job.combine).filter((spec) => spec.op === 'lagrangian');
}

/** Mean over the known values of a batch; null: none is known. */
function meanOf(rewards: readonly RewardRef[], component: string): number | null {
  let sum = 0;
  let count = 0;
  for (const { components, rows } of rewards) {
    const one = components[component];
    if (one === undefined) continue;
    sum += one.sum;
    count += rows - one.masked;
  }
  return count === 0 ? null : sum / count;
}

function moved(spec: LagrangianSpec, index: number, multiplier: number, mean: number): number {
  if (spec.form === 'proxy') {
    const { threshold } = spec.constraints[index] as (typeof spec.constraints)[number];
    return bounded(multiplier - spec.rate * slope(spec.link, multiplier) * (mean - threshold), -MULTIPLIER_MAX);
  }
  const { atMost, atLeast } = spec.constraints[index] as (typeof spec.constraints)[number];
  const broken = atMost === undefined ? (atLeast as number) - mean : mean - atMost;
  return bounded(multiplier + spec.rate * broken, 0);
}

function bounded(value: number, least: number): number {
  return Math.min(MULTIPLIER_MAX, Math.max(least, value));
}

function linked(link: 'sigmoid' | 'tanh', mu: number): number {
  return link === 'tanh' ? Math.tanh(mu) : 1 / (1 + Math.exp(-mu));
}

function slope(link: 'sigmoid' | 'tanh', mu: number): number {
  const lambda = linked(link, mu);
  return link === 'tanh' ? 1 - lambda * lambda : lambda * (1 - lambda);
}
