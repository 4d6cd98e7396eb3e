/**
 * A mass on a square table, pushed by a force of two components: to a place (task `reach`), past a zone that may be costly,
 * or a puck to a place (task `push`). Lengths in table units (the table is 2 wide), times in steps.
 */
import { CounterRandom } from '../../../../proto/philox.js';
import type { PointMassSpec } from '../../../../proto/environments.js';
import type { EpisodeSeed, Spaces } from '../environment.js';
import { clipped, type EnvironmentModel, type ModelOutcome } from '../model-group.js';

/** The table is [-1, 1] x [-1, 1]. */
const HALF = 1;
/** Speed gained by a full force in one step, and the share of the speed that is kept. */
const PUSH = 0.015;
const KEPT = 0.85;
/** The puck moves when the mass is nearer than this. */
const CONTACT = 0.16;
const PUCK_KEPT = 0.8;
/** The goal is reached within this distance. */
const GOAL_RADIUS = 0.12;
/** Length over which closeness falls to a half. */
const CLOSENESS_SCALE = 0.35;

const STATE = { reach: 8, push: 12 } as const;

export function pointMassSpaces({ task }: PointMassSpec): Spaces {
  return {
    observations: { state: { type: 'float32', shape: [STATE[task]], kind: 'vector', scale: 1 } },
    action: { kind: 'continuous', size: 2, low: [-1, -1], high: [1, 1] },
    rewards: task === 'reach' ? ['near', 'zone'] : ['near', 'puckNear', 'distance', 'puckDistance', 'goal'],
    textBytesMax: 0,
    episodeStatistics: task === 'reach' ? ['return', 'zoneShare', 'distance'] : ['success', 'puckDistance', 'stepsToGoal'],
  };
}

export class PointMass implements EnvironmentModel {
  private x = 0;
  private y = 0;
  private dx = 0;
  private dy = 0;
  private puckX = 0;
  private puckY = 0;
  private puckDx = 0;
  private puckDy = 0;
  private goalX = 0;
  private goalY = 0;
  private steps = 0;
  private stepsInZone = 0;
  private nearSum = 0;
  private done = false;

  constructor(private readonly spec: PointMassSpec) {}

  reset(seed: EpisodeSeed): void {
    const random = new CounterRandom(seed.low, 'environment');
    let draws = 0;
    const between = (low: number, high: number): number => low + random.uniform(draws++, seed.high) * (high - low);
    this.dx = this.dy = this.puckDx = this.puckDy = 0;
    this.steps = this.stepsInZone = this.nearSum = 0;
    this.done = false;
    if (this.spec.task === 'reach') {
      // From the left edge to the right one: the straight way leads through the zone in the middle.
      [this.x, this.y] = [between(-0.95, -0.75), between(-0.25, 0.25)];
      [this.goalX, this.goalY] = [between(0.6, 0.9), between(-0.25, 0.25)];
    } else {
      [this.x, this.y] = [between(-0.9, -0.6), between(-0.6, 0.6)];
      [this.puckX, this.puckY] = [between(-0.25, 0.05), between(-0.4, 0.4)];
      [this.goalX, this.goalY] = [between(0.45, 0.8), between(-0.4, 0.4)];
    }
  }

  step(action: ArrayLike<number>): ModelOutcome {
    this.dx = KEPT * this.dx + PUSH * clipped(action[0] as number, -1, 1);
    this.dy = KEPT * this.dy + PUSH * clipped(action[1] as number, -1, 1);
    [this.x, this.dx] = moved(this.x, this.dx);
    [this.y, this.dy] = moved(this.y, this.dy);
    this.steps += 1;
    return this.spec.task === 'reach' ? this.reached() : this.pushed();
  }

  private reached(): ModelOutcome {
    const near = closeness(this.distance());
    const zone = this.inZone() ? 1 : 0;
    this.nearSum += near;
    this.stepsInZone += zone;
    return { rewards: [near, zone], terminated: false };
  }

  private pushed(): ModelOutcome {
    const apart = Math.hypot(this.puckX - this.x, this.puckY - this.y);
    if (apart < CONTACT) {
      // The mass drives the puck away from itself, and hands on its speed.
      const overlap = CONTACT - apart;
      const [nx, ny] = apart > 0 ? [(this.puckX - this.x) / apart, (this.puckY - this.y) / apart] : [1, 0];
      this.puckX = clipped(this.puckX + overlap * nx, -HALF, HALF);
      this.puckY = clipped(this.puckY + overlap * ny, -HALF, HALF);
      const along = Math.max(0, this.dx * nx + this.dy * ny);
      [this.puckDx, this.puckDy] = [along * nx, along * ny];
    }
    [this.puckX, this.puckDx] = moved(this.puckX, PUCK_KEPT * this.puckDx);
    [this.puckY, this.puckDy] = moved(this.puckY, PUCK_KEPT * this.puckDy);
    const distance = Math.hypot(this.puckX - this.x, this.puckY - this.y);
    const puckDistance = this.puckDistance();
    this.done = puckDistance < GOAL_RADIUS;
    return { rewards: [closeness(distance), closeness(puckDistance), distance, puckDistance, this.done ? 1 : 0], terminated: this.done };
  }

  observe(): Readonly<Record<string, ArrayLike<number>>> {
    const { x, y, goalX, goalY, spec } = this;
    const own = [x, y, this.dx / (PUSH / (1 - KEPT)), this.dy / (PUSH / (1 - KEPT)), goalX - x, goalY - y];
    if (spec.task === 'reach') return { state: [...own, spec.zone.x - x, spec.zone.y - y] };
    return { state: [...own, this.puckX - x, this.puckY - y, goalX - this.puckX, goalY - this.puckY, this.puckDx / PUSH, this.puckDy / PUSH] };
  }

  statistics(): readonly number[] {
    if (this.spec.task === 'reach') return [this.nearSum, this.steps === 0 ? 0 : this.stepsInZone / this.steps, this.distance()];
    return [this.done ? 1 : 0, this.puckDistance(), this.done ? this.steps : this.spec.episodeStepsMax];
  }

  private distance(): number {
    return Math.hypot(this.goalX - this.x, this.goalY - this.y);
  }

  private puckDistance(): number {
    return Math.hypot(this.goalX - this.puckX, this.goalY - this.puckY);
  }

  private inZone(): boolean {
    const { x, y, radius } = this.spec.zone;
    return Math.hypot(this.x - x, this.y - y) < radius;
  }
}

/** In (0, 1]: 1 there, a half at the scale. */
function closeness(distance: number): number {
  return 1 / (1 + (distance / CLOSENESS_SCALE) ** 2);
}

/** The place after a step, and the speed: none into a wall. */
function moved(at: number, speed: number): [number, number] {
  const next = at + speed;
  return next > HALF ? [HALF, 0] : next < -HALF ? [-HALF, 0] : [next, speed];
}
