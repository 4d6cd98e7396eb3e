/**
 * The swing-up of a pendulum with a motor that is too weak to lift it at once. The equations are those of the classic control
 * problem: theta'' = 3 g / (2 l) sin theta + 3 / (m l^2) u, with g = 10, m = l = 1, steps of 0.05 s, theta = 0 upright.
 */
import { CounterRandom } from '../../../../proto/philox.js';
import type { PendulumSpec } from '../../../../proto/environments.js';
import type { EpisodeSeed, Spaces } from '../environment.js';
import { clipped, type EnvironmentModel, type ModelOutcome } from '../model-group.js';

const GRAVITY = 10;
const STEP_S = 0.05;
const SPEED_MAX = 8;
const TORQUE_MAX = 2;
/** Upright: within this angle, in radians. */
const UPRIGHT = 0.25;

export function pendulumSpaces(_spec: PendulumSpec): Spaces {
  return {
    observations: { state: { type: 'float32', shape: [3], kind: 'vector', scale: [1, 1, SPEED_MAX] } },
    action: { kind: 'continuous', size: 1, low: [-TORQUE_MAX], high: [TORQUE_MAX] },
    rewards: ['balance', 'upright'],
    textBytesMax: 0,
    episodeStatistics: ['return', 'uprightShare'],
  };
}

export class Pendulum implements EnvironmentModel {
  /** Radians from upright, and radians a second. */
  private angle = 0;
  private speed = 0;
  private steps = 0;
  private returned = 0;
  private upright = 0;

  reset(seed: EpisodeSeed): void {
    const random = new CounterRandom(seed.low, 'environment');
    this.angle = (2 * random.uniform(0, seed.high) - 1) * Math.PI;
    this.speed = 2 * random.uniform(1, seed.high) - 1;
    this.steps = this.returned = this.upright = 0;
  }

  step(action: ArrayLike<number>): ModelOutcome {
    const torque = clipped(action[0] as number, -TORQUE_MAX, TORQUE_MAX);
    const cost = this.angle ** 2 + 0.1 * this.speed ** 2 + 0.001 * torque ** 2;
    this.speed = clipped(this.speed + (1.5 * GRAVITY * Math.sin(this.angle) + 3 * torque) * STEP_S, -SPEED_MAX, SPEED_MAX);
    this.angle = wrapped(this.angle + this.speed * STEP_S);
    const upright = Math.abs(this.angle) < UPRIGHT ? 1 : 0;
    this.steps += 1;
    this.returned -= cost;
    this.upright += upright;
    return { rewards: [-cost, upright], terminated: false };
  }

  observe(): Readonly<Record<string, ArrayLike<number>>> {
    return { state: [Math.cos(this.angle), Math.sin(this.angle), this.speed] };
  }

  statistics(): readonly number[] {
    return [this.returned, this.steps === 0 ? 0 : this.upright / this.steps];
  }
}

/** The same angle in [-pi, pi). */
function wrapped(angle: number): number {
  return angle - 2 * Math.PI * Math.floor((angle + Math.PI) / (2 * Math.PI));
}
