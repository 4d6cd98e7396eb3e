/**
 * Four assets whose returns are drawn anew for each episode: weights over them are chosen at every step. The first asset pays
 * most and swings most, the second pays a quarter and hardly swings, the third and the fourth swing against each other
 * (half of each is calm and pays a little), and the mean of all follows a slow tide that the last returns show.
 */
import { CounterRandom } from '../../../../proto/philox.js';
import type { PortfolioSpec } from '../../../../proto/environments.js';
import type { EpisodeSeed, Spaces } from '../environment.js';
import type { EnvironmentModel, ModelOutcome } from '../model-group.js';

export const ASSETS = 4;
/** Mean and standard deviation of the return of a step. */
const MEANS = [0.008, 0.002, 0.0015, 0.0015] as const;
const DEVIATIONS = [0.06, 0.008, 0.03, 0.03] as const;
/** Third and fourth: correlation of their swings. */
const HEDGE = -0.9;
const TIDE_KEPT = 0.9;
const TIDE_DEVIATION = 0.001;
/** Steps of returns that are seen. */
const SEEN = 4;
const RETURN_SCALE = 0.05;

export function portfolioSpaces(_spec: PortfolioSpec): Spaces {
  return {
    observations: { state: { type: 'float32', shape: [SEEN * ASSETS + ASSETS], kind: 'vector', scale: 1 } },
    action: { kind: 'continuous', size: ASSETS, low: [-3, -3, -3, -3], high: [3, 3, 3, 3] },
    rewards: ['return', 'cost'],
    textBytesMax: 0,
    episodeStatistics: ['sharpe', 'return', 'volatility', 'turnover', 'weightLeast', 'weightsSum'],
  };
}

export class Portfolio implements EnvironmentModel {
  private weights = equal();
  private seen: number[] = [];
  private tide = 0;
  private steps = 0;
  private sum = 0;
  private squares = 0;
  private turnover = 0;
  private weightLeast = 1;
  private weightsSum = 1;
  private random = new CounterRandom(0, 'environment');
  private high = 0;

  constructor(private readonly spec: PortfolioSpec) {}

  reset(seed: EpisodeSeed): void {
    this.random = new CounterRandom(seed.low, 'environment');
    this.high = seed.high;
    this.weights = equal();
    this.steps = this.sum = this.squares = this.turnover = 0;
    this.weightLeast = this.weightsSum = 1;
    this.tide = 0;
    this.seen = [];
    // The past that the first observation shows.
    for (let step = 0; step < SEEN; step++) this.seen.push(...this.draw(step));
  }

  /** @param action logits; the weights are their softmax, so they are never negative and sum to 1 */
  step(action: ArrayLike<number>): ModelOutcome {
    const before = this.weights;
    this.weights = softmax(action);
    const returns = this.draw(SEEN + this.steps);
    const turnover = this.weights.reduce((sum, weight, asset) => sum + Math.abs(weight - (before[asset] as number)), 0) / 2;
    const cost = this.spec.costPerTurnover * turnover;
    const gain = this.weights.reduce((sum, weight, asset) => sum + weight * (returns[asset] as number), 0);
    const net = gain - cost;
    this.seen = [...this.seen.slice(ASSETS), ...returns];
    this.steps += 1;
    this.sum += net;
    this.squares += net * net;
    this.turnover += turnover;
    this.weightLeast = Math.min(this.weightLeast, ...this.weights);
    this.weightsSum = this.weights.reduce((sum, weight) => sum + weight, 0);
    return { rewards: [net, cost], terminated: false };
  }

  observe(): Readonly<Record<string, ArrayLike<number>>> {
    return { state: [...this.seen.map((value) => value / RETURN_SCALE), ...this.weights] };
  }

  /** Sharpe: mean over standard deviation of the returns of a step, not annualised, riskless return 0. */
  statistics(): readonly number[] {
    const mean = this.steps === 0 ? 0 : this.sum / this.steps;
    const deviation = Math.sqrt(Math.max(0, this.steps === 0 ? 0 : this.squares / this.steps - mean * mean));
    return [deviation === 0 ? 0 : mean / deviation, this.sum, deviation, this.turnover, this.weightLeast, this.weightsSum];
  }

  /** Returns of all assets at a step of the series: a function of seed and step, whatever is held. */
  private draw(step: number): number[] {
    const normal = (index: number): number => this.random.normal(step * (ASSETS + 1) + index, this.high);
    this.tide = TIDE_KEPT * this.tide + TIDE_DEVIATION * normal(ASSETS);
    const swings = [normal(0), normal(1), normal(2), 0];
    swings[3] = HEDGE * (swings[2] as number) + Math.sqrt(1 - HEDGE * HEDGE) * normal(3);
    return swings.map((swing, asset) => (MEANS[asset] as number) + this.tide + (DEVIATIONS[asset] as number) * swing);
  }
}

function equal(): number[] {
  return Array.from({ length: ASSETS }, () => 1 / ASSETS);
}

function softmax(logits: ArrayLike<number>): number[] {
  const most = Math.max(...Array.from({ length: ASSETS }, (_, asset) => logits[asset] as number));
  const powers = Array.from({ length: ASSETS }, (_, asset) => Math.exp((logits[asset] as number) - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
