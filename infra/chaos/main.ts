/**
 * `npm run chaos -- --minutes 20 --seed 1 [--environment grid-world|nethack]`: a run on real processes, disturbed by a
 * schedule drawn from a seed, and checked against its invariants. Exit code 1 at the first that is broken.
 */
import { parseArgs } from 'node:util';
import { canEnterNamespace, insideNamespace, reenter } from './small-disk.js';
import { runChaos } from './chaos-run.js';
import type { ChaosEnvironment } from './chaos-job.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    environment: { type: 'string', default: 'grid-world' },
    'faults-per-minute': { type: 'string', default: '12.5' },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

const ENVIRONMENTS: readonly string[] = ['grid-world', 'nethack'] satisfies ChaosEnvironment[];

async function main(): Promise<number> {
  if (process.platform !== 'linux') {
    console.error('expected Linux: processes are found in /proc');
    return 2;
  }
  const [minutes, seed, faultsPerMinute] = [values.minutes, values.seed, values['faults-per-minute']].map(Number) as [number, number, number];
  if (!(minutes > 0) || !Number.isSafeInteger(seed) || seed < 0 || !(faultsPerMinute > 0) || !ENVIRONMENTS.includes(values.environment)) {
    console.error(`expected --minutes above 0, --seed a whole number, --faults-per-minute above 0, --environment one of ${ENVIRONMENTS.join(', ')}`);
    return 2;
  }
  if (!insideNamespace() && canEnterNamespace()) return reenter();
  return runChaos({ minutes, seed, faultsPerMinute, environment: values.environment as ChaosEnvironment, json: values.json, keep: values.keep, disk: insideNamespace() });
}

process.exit(await main());
