/**
 * `npm run chaos -- --minutes 20 --seed 1 [--environment both|grid-world|nethack]`: a run on real processes for each
 * environment, disturbed by a schedule drawn from a seed, and checked against its invariants. Exit code 1 at the first that is broken.
 */
import { parseArgs } from 'node:util';
import { canEnterNamespace, insideNamespace, reenter } from './small-disk.js';
import { runChaos } from './chaos-run.js';
import type { ChaosEnvironment } from './chaos-job.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    environment: { type: 'string', default: 'both' },
    'faults-per-minute': { type: 'string', default: '13' },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

const ENVIRONMENTS: Readonly<Record<string, readonly ChaosEnvironment[]>> = { both: ['grid-world', 'nethack'], 'grid-world': ['grid-world'], nethack: ['nethack'] };

async function main(): Promise<number> {
  if (process.platform !== 'linux') {
    console.error('expected Linux: processes are found in /proc');
    return 2;
  }
  const [minutes, seed, faultsPerMinute] = [values.minutes, values.seed, values['faults-per-minute']].map(Number) as [number, number, number];
  const environments = ENVIRONMENTS[values.environment];
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || seed < 0 || !(faultsPerMinute > 0) || environments === undefined) {
    console.error(`expected --minutes above 0, --seed a whole number, --faults-per-minute above 0, --environment one of ${Object.keys(ENVIRONMENTS).join(', ')}`);
    return 2;
  }
  if (!insideNamespace() && canEnterNamespace()) return reenter();
  return runChaos({ minutes, seed, faultsPerMinute, environments, json: values.json, keep: values.keep, disk: insideNamespace() });
}

process.exit(await main());
