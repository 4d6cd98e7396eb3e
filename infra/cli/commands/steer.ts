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
  readonly shards?: number;
  readonly callMs?: Record<string, number>;
  readonly pendingMax?: Record<string, number>;
}

export function addSteer(program: Command): void {
  program
    .command('steer')
    .description('change reward weights, the stop criterion, the number of shards or bounds of annotation of an open run')
    .argument('<run>', 'id of the run')
    .option('--weight <source=number>', 'weight of a source from now on; one option for each', collectWeight)
    .option('--transitions <count>', 'stop after so many trained transitions', parsePositive)
    .option('--versions <count>', 'stop at this policy version', parsePositive)
    .option('--run-ms <milliseconds>', 'stop after so long', parsePositive)
    .option('--shards <count>', 'so many shards play', parsePositive)
    .option('--call-ms <source=milliseconds>', 'time of one annotate call; one option for each source', collectWeight)
    .option('--pending-max <source=count>', 'messages that may wait for the judge; one option for each source', collectWeight)
    .action(async (run: string, options: SteerOptions) => sendUpdate(run, 'steer', { ...steerInput(options), by: process.env['USER'] ?? 'laurel' }));
}

export function steerInput({ weight, transitions, versions, runMs, shards, callMs, pendingMax }: SteerOptions): SteerInput {
  const stop: StopSpec = { ...(transitions !== undefined && { transitions }), ...(versions !== undefined && { versions }), ...(runMs !== undefined && { runMs }) };
  const sources = [...new Set([...Object.keys(callMs ?? {}), ...Object.keys(pendingMax ?? {})])];
  const annotation = Object.fromEntries(sources.map((source) => [source, { ...(callMs?.[source] !== undefined && { callMs: callMs[source] }), ...(pendingMax?.[source] !== undefined && { pendingMax: pendingMax[source] }) }]));
  const input: SteerInput = { ...(weight && { weights: weight }), ...(Object.keys(stop).length > 0 && { stop }), ...(shards !== undefined && { shards }), ...(sources.length > 0 && { annotation }) };
  if (Object.keys(input).length === 0) throw new InvalidArgumentError('expected --weight, --transitions, --versions, --run-ms, --shards, --call-ms or --pending-max');
  return input;
}

export function collectWeight(value: string, before: Record<string, number> = {}): Record<string, number> {
  const [name, number, ...rest] = value.split('=');
  if (!name || number === undefined || number === '' || rest.length > 0 || !Number.isFinite(Number(number))) throw new InvalidArgumentError('expected source=number, for example helpful=0.2');
  return { ...before, [name]: Number(number) };
}
