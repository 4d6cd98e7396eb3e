/** `laurel steer <run>`: changes reward weights or the stop criterion of a run that is open. */
import { InvalidArgumentError, type Command } from 'commander';
import type { StopSpec } from '../../../proto/job.js';
import type { SteerInput } from '../../../proto/status.js';
import { parsePositive } from '../arguments.js';
import { sendUpdate } from './control.js';

interface SteerOptions {
  readonly weight?: Record<string, number>;
  readonly transitions?: number;
  readonly versions?: number;
  readonly runMs?: number;
}

export function addSteer(program: Command): void {
  program
    .command('steer')
    .description('change reward weights or the stop criterion of an open run')
    .argument('<run>', 'id of the run')
    .option('--weight <source=number>', 'weight of a source from now on; one option for each', collectWeight)
    .option('--transitions <count>', 'stop after so many trained transitions', parsePositive)
    .option('--versions <count>', 'stop at this policy version', parsePositive)
    .option('--run-ms <milliseconds>', 'stop after so long', parsePositive)
    .action(async (run: string, options: SteerOptions) => sendUpdate(run, 'steer', steerInput(options)));
}

export function steerInput(options: SteerOptions): SteerInput {
  const { weight, transitions, versions, runMs } = options;
  const stop: StopSpec = { ...(transitions !== undefined && { transitions }), ...(versions !== undefined && { versions }), ...(runMs !== undefined && { runMs }) };
  if (weight === undefined && Object.keys(stop).length === 0) throw new InvalidArgumentError('expected --weight, --transitions, --versions or --run-ms');
  return { ...(weight && { weights: weight }), ...(Object.keys(stop).length > 0 && { stop }) };
}

export function collectWeight(value: string, before: Record<string, number> = {}): Record<string, number> {
  const [name, number, ...rest] = value.split('=');
  if (!name || number === undefined || number === '' || rest.length > 0 || !Number.isFinite(Number(number))) throw new InvalidArgumentError('expected source=number, for example helpful=0.2');
  return { ...before, [name]: Number(number) };
}
