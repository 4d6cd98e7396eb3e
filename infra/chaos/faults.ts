/** Which fault comes when: drawn from a seed, before anything runs. Pure. */
import { CounterRandom } from '../../proto/philox.js';
import { POOLS } from '../supervisor/plan.js';
import { FLIGHT_FAULTS, type FlightFault } from './flight-proxy.js';
import { JUDGE_FAULTS, type JudgeFault } from './fault-judge.js';

export type Target = (typeof POOLS)[number] | 'cli' | 'server';
export const TARGETS: readonly Target[] = [...POOLS, 'cli', 'server'];

export const DISK_FAULTS = ['full', 'read-only', 'slow'] as const;

export type FaultAction =
  /** SIGKILL; `all`: every process at once. What must be started again by hand (the CLI) is started after `forMs`. */
  | { readonly kind: 'kill'; readonly target: Target | 'all' }
  /** SIGSTOP for a while, then SIGCONT: a machine that is asleep. */
  | { readonly kind: 'pause'; readonly target: Target }
  | { readonly kind: 'judge'; readonly target: JudgeFault | 'gone' }
  | { readonly kind: 'flight'; readonly target: FlightFault }
  | { readonly kind: 'disk'; readonly target: (typeof DISK_FAULTS)[number] };

export type PlannedFault = FaultAction & {
  readonly number: number;
  /** Since the first trained update. */
  readonly atMs: number;
  readonly forMs: number;
};

export interface PlanOptions {
  readonly seed: number;
  /** Which run of several with one seed; each has a schedule of its own. */
  readonly part?: number;
  readonly durationMs: number;
  readonly faultsPerMinute: number;
  /** Where the store lies on a disk of its own that can be filled. */
  readonly disk: boolean;
}

/** Weights of the kinds of fault; within a kind each target is as likely as another. */
const WEIGHTS = { kill: 40, pause: 18, judge: 18, flight: 12, disk: 12 } as const;

/** Shortest and longest time, in ms. A pause may outlast the heartbeat time-out of 15 s, so that a call is given to another while its first taker still lives. */
const SPANS = { kill: [500, 3_000], pause: [500, 20_000], judge: [2_000, 12_000], flight: [2_000, 10_000], disk: [1_000, 6_000] } as const;
/** Temporal's server answers nobody while it sleeps; longer than this is an outage, not a hiccup. */
const SERVER_PAUSE_MS_MAX = 8_000;

/** More than any one run has. */
const FAULTS_MAX = 1_000_000;

/** Gaps are drawn from an exponential distribution: faults come together, as they do. */
export function planFaults({ seed, part = 0, durationMs, faultsPerMinute, disk }: PlanOptions): PlannedFault[] {
  const random = new CounterRandom(seed, 'test');
  const faults: PlannedFault[] = [];
  let atMs = 0;
  for (let number = 1; ; number++) {
    const draw = part * FAULTS_MAX + number;
    atMs += (-Math.log(1 - random.uniform(draw, 0)) * 60_000) / faultsPerMinute;
    if (atMs >= durationMs) return faults;
    const action = drawAction(random, draw, disk);
    const [low, high] = SPANS[action.kind];
    // Short ones are more frequent than long ones.
    const drawn = low + (high - low) * random.uniform(draw, 3) ** 2;
    const forMs = Math.round(action.kind === 'pause' && action.target === 'server' ? Math.min(drawn, SERVER_PAUSE_MS_MAX) : drawn);
    faults.push({ ...action, number, atMs: Math.round(atMs), forMs });
  }
}

function drawAction(random: CounterRandom, number: number, disk: boolean): FaultAction {
  const kinds = (Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[]).filter((kind) => disk || kind !== 'disk');
  let left = random.uniform(number, 1) * kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
  const kind = kinds.find((one) => (left -= WEIGHTS[one]) < 0) ?? 'kill';
  const pick = <T>(targets: readonly T[]): T => targets[Math.floor(random.uniform(number, 2) * targets.length)] as T;
  switch (kind) {
    case 'kill':
      return { kind, target: pick([...TARGETS, 'all'] as const) };
    case 'pause':
      return { kind, target: pick(TARGETS) };
    case 'judge':
      return { kind, target: pick([...JUDGE_FAULTS, 'gone'] as const) };
    case 'flight':
      return { kind, target: pick(FLIGHT_FAULTS) };
    case 'disk':
      return { kind, target: pick(DISK_FAULTS) };
    default: {
      const never: never = kind;
      throw new TypeError(`unknown kind ${String(never)}`);
    }
  }
}
