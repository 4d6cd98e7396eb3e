/**
 * NetHack stepping: this project's binding and environment against the game's own Python package, on one core, in one
 * run, by core time. Binding and package replay the same recorded keys of the same games, so both do the same work; rounds
 * alternate, and the ratio is the median over rounds.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../infra/folders.js';
import { CounterRandom } from '../proto/philox.js';
import { cacheFolder, ensureAsset, nethackAsset, runProgram } from '../workers/assets/index.js';
import { createStepOutcome, type EpisodeSeed } from '../workers/rollout/environments/environment.js';
import { ACTION_COUNT } from '../workers/rollout/environments/nethack/actions.js';
import { Game, GAME_OPTIONS } from '../workers/rollout/environments/nethack/game.js';
import type { NetHackAssets } from '../workers/rollout/environments/nethack/game-folder.js';
import { createNetHackGroup } from '../workers/rollout/environments/nethack/nethack-group.js';
import { parseNetHackOptions } from '../workers/rollout/environments/nethack/options.js';
import { Player } from '../workers/rollout/environments/nethack/player.js';

const CHARACTER = 'mon-hum-neu-mal';
const ROUNDS = 3;
const AGENT_STEPS = 60_000;
/** The actions that the Python environment has too: moves, long moves, stairs, wait, kick, eat, search, more. */
const COMMON_ACTIONS = 23;

export type Contestant = 'binding' | 'pythonKeys' | 'group1' | 'group16' | 'pythonLean' | 'pythonShipped';

export interface NetHackBench {
  /** Steps per second of core time, median over rounds; without the time of resets. */
  readonly stepsPerSecond: Readonly<Record<Contestant, number>>;
  /** Milliseconds from the end of one game to the first map of the next. */
  readonly resetMs: Readonly<Record<'binding' | 'python', number>>;
  /**
   * `environment`: group of one game over the Python environment as it is shipped; `leanEnvironment`: over the same
   * with nothing but map, status and message; `binding`: bare keys over bare keys, where both sides wait for the game.
   */
  readonly ratio: Readonly<Record<'environment' | 'leanEnvironment' | 'binding', number>>;
  /** Share of the recorded games whose messages had the same length on both sides; the others had luck from the moon, which the Python package draws from the seed. */
  readonly sameGames: number;
  /** For a person. */
  readonly lines: readonly string[];
}

interface Recording {
  readonly seed: EpisodeSeed;
  readonly core: string;
  readonly display: string;
  readonly keys: number[];
}

interface Timing {
  readonly steps: number;
  /** Letters of all messages, game by game. */
  readonly letters?: readonly number[];
  readonly stepS: number;
  readonly resetS: number;
}

class RecordingGame extends Game {
  keys: number[] = [];
  override key(code: number): boolean {
    this.keys.push(code);
    return super.key(code);
  }
}

const draw = (random: CounterRandom, step: number, count: number): number => Math.floor(random.uniform(step) * count);
/** Time this process has had on a core: what other programs of the machine take does not count. */
const seconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

/** Games of a random player, key by key, without the end screens that a player does not see. */
function record(assets: NetHackAssets): Recording[] {
  const game = new RecordingGame(assets, CHARACTER);
  const player = new Player(game);
  const random = new CounterRandom(1, 'test');
  const recordings: Recording[] = [];
  let steps = 0;
  while (steps < AGENT_STEPS) {
    const seed = { high: 9, low: recordings.length };
    player.start(seed);
    game.keys = [];
    const { core, display } = game.seeds;
    for (; steps < AGENT_STEPS && !player.terminated && !player.failed; steps++) player.step(draw(random, steps, ACTION_COUNT));
    recordings.push({ seed, core: String(core), display: String(display), keys: game.keys });
    // The next start presses keys of its own, which are no part of this game.
    game.keys = [];
  }
  game.close();
  return recordings;
}

function playBinding(assets: NetHackAssets, recordings: readonly Recording[]): Timing {
  const game = new Game(assets, CHARACTER);
  const text = Buffer.from(game.message.buffer, game.message.byteOffset, game.message.byteLength);
  let steps = 0;
  const letters: number[] = [];
  let stepS = 0;
  let resetS = 0;
  for (const { seed, keys } of recordings) {
    const begin = seconds();
    game.start(seed);
    const middle = seconds();
    let read = 0;
    for (const key of keys) {
      game.key(key);
      read += text.toString('latin1', 0, text.indexOf(0)).length;
    }
    letters.push(read);
    steps += keys.length;
    stepS += seconds() - middle;
    resetS += middle - begin;
  }
  game.close();
  return { steps, letters, stepS, resetS };
}

async function playGroup(size: number): Promise<Timing> {
  const group = await createNetHackGroup(parseNetHackOptions({ kind: 'nethack', character: CHARACTER }), size);
  const outcome = createStepOutcome(group.spaces, size);
  const actions = new Int32Array(size);
  const random = new CounterRandom(2, 'test');
  let episodes = 0;
  for (let index = 0; index < size; index++) group.reset(index, { high: 8, low: episodes++ });
  let resetS = 0;
  let drawn = 0;
  const begin = seconds();
  for (let step = 0; step < AGENT_STEPS; step += size) {
    for (let index = 0; index < size; index++) actions[index] = draw(random, drawn++, COMMON_ACTIONS);
    group.step(actions, outcome);
    for (let index = 0; index < size; index++) {
      if (outcome.terminated[index] === 0 && outcome.truncated[index] === 0 && outcome.failed[index] === 0) continue;
      const middle = seconds();
      group.reset(index, { high: 8, low: episodes++ });
      resetS += seconds() - middle;
    }
  }
  const stepS = seconds() - begin - resetS;
  group.close();
  return { steps: AGENT_STEPS, stepS, resetS };
}

/** Interpreter of a virtual environment with the game's Python package, made on the first use in the cache folder. */
async function preparePython(note: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), 'bench', 'python-nle-1.3.0');
  const python = join(folder, 'bin', 'python');
  const marker = join(folder, 'complete');
  if (existsSync(marker)) return python;
  note('making a Python environment with nle 1.3.0 for the comparison ...');
  rmSync(folder, { recursive: true, force: true });
  await mkdir(join(folder, '..'), { recursive: true });
  for (const [command, parameters] of [
    [process.env['LAUREL_PYTHON'] ?? 'python3', ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'nle==1.3.0']],
  ] as const) {
    const { code, tail } = await runProgram(command, parameters);
    if (code !== 0) throw new Error(`expected ${command} ${parameters.join(' ')} to work, it ended with ${code}: ${tail}`);
  }
  await writeFile(marker, '');
  return python;
}

async function playPython(python: string, mode: 'keys' | 'lean' | 'shipped', value: string): Promise<Timing> {
  const { code, stdout, tail } = await runProgram(python, [join(projectRoot(), 'bench', 'nethack_reference.py'), mode, value]);
  if (code !== 0) throw new Error(`the Python side (${mode}) ended with ${code}: ${tail}`);
  return JSON.parse(stdout) as Timing;
}

/** Runs the comparison; about half a minute, the Python environment of the first time not counted. */
export async function benchNethack(note: (line: string) => void = () => undefined): Promise<NetHackBench> {
  const { library, data } = await ensureAsset(nethackAsset);
  const assets = { library: library as string, data: data as string };
  const python = await preparePython(note);
  setPriority(5);
  const folder = mkdtempSync(join(tmpdir(), 'laurel-bench-'));
  try {
    const recordings = record(assets);
    const trace = join(folder, 'trace.json');
    writeFileSync(trace, JSON.stringify({ name: `Agent-${CHARACTER}`, options: GAME_OPTIONS, episodes: recordings }));
    const timings: Record<Contestant, Timing[]> = { binding: [], pythonKeys: [], group1: [], group16: [], pythonLean: [], pythonShipped: [] };
    for (let round = 0; round < ROUNDS; round++) {
      note(`round ${round + 1} of ${ROUNDS}`);
      timings.binding.push(playBinding(assets, recordings));
      timings.pythonKeys.push(await playPython(python, 'keys', trace));
      timings.group1.push(await playGroup(1));
      timings.pythonLean.push(await playPython(python, 'lean', String(AGENT_STEPS)));
      timings.pythonShipped.push(await playPython(python, 'shipped', String(AGENT_STEPS)));
      timings.group16.push(await playGroup(16));
    }
    return summarise(timings, recordings.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function summarise(timings: Readonly<Record<Contestant, readonly Timing[]>>, episodes: number): NetHackBench {
  const speed = ({ steps, stepS }: Timing): number => steps / stepS;
  const ratioOf = (fast: Contestant, slow: Contestant): number => median(timings[fast].map((one, round) => speed(one) / speed(timings[slow][round] as Timing)));
  const resetOf = (one: Contestant): number => median(timings[one].map(({ resetS }) => (1000 * resetS) / episodes));
  const stepsPerSecond = Object.fromEntries(Object.entries(timings).map(([name, list]) => [name, median(list.map(speed))])) as NetHackBench['stepsPerSecond'];
  const resetMs = { binding: resetOf('binding'), python: resetOf('pythonKeys') };
  const ratio = { environment: ratioOf('group1', 'pythonShipped'), leanEnvironment: ratioOf('group1', 'pythonLean'), binding: ratioOf('binding', 'pythonKeys') };
  const [ours, theirs] = [timings.binding[0]?.letters ?? [], timings.pythonKeys[0]?.letters ?? []];
  const sameGames = ours.filter((letters, game) => letters === theirs[game]).length / ours.length;
  const row = (name: string, value: number, compared?: number): string =>
    `${name.padEnd(66)}${Math.round(value).toLocaleString('en').padStart(9)} steps/s${compared === undefined ? '' : `   we are ${compared.toFixed(2)} times as fast`}`;
  return {
    stepsPerSecond,
    resetMs,
    ratio,
    sameGames,
    lines: [
      row('environment group, 1 game: observations, rewards, texts', stepsPerSecond.group1),
      row('  Python NetHackScore-v0 as shipped', stepsPerSecond.pythonShipped, ratio.environment),
      row('  Python NetHackScore-v0 with map, status and message only', stepsPerSecond.pythonLean, ratio.leanEnvironment),
      row('environment group, 16 games in turn', stepsPerSecond.group16),
      row('binding, recorded keys, message decoded', stepsPerSecond.binding),
      row('  Python package, the same keys, message decoded', stepsPerSecond.pythonKeys, ratio.binding),
      `start of a game: ${resetMs.binding.toFixed(1)} ms, Python ${resetMs.python.toFixed(1)} ms; ${Math.round(100 * sameGames)} % of the recorded games ran the same on both sides`,
    ],
  };
}
