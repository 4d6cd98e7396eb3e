/** `laurel steer <run>`: changes weights, stop criterion, shards, or bounds of annotation of a run that is open. */
import { InvalidArgumentError, type Command } from 'commander';
import { BUDGET_SCOPES, BUDGET_UNITS, withBudget, type BudgetSpec } from '../../../proto/budget.js';
import type { StopSpec } from '../../../proto/job.js';
import type { SteerInput } from '../../../proto/status.js';
import { parsePositive } from '../arguments.js';
import { byOption, sendUpdate } from './control.js';

interface SteerOptions {
  readonly weight?: Record<string, number>;
  readonly transitions?: number;
  readonly versions?: number;
  readonly runMs?: number;
  readonly shards?: number;
  readonly callMs?: Record<string, number>;
  readonly pendingMax?: Record<string, number>;
  readonly budget?: Record<string, BudgetSpec>;
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
    .option('--budget <source.scope.unit=number>', 'bound on what is asked, for example helpful.run.calls=5000; scopes run, hour, annotator; units calls, tokens, money', collectBudget)
    .addOption(byOption())
    .action(async (run: string, { by, ...options }: SteerOptions & { by: string }) => sendUpdate(run, 'steer', { ...steerInput(options), by }));
}

export function steerInput({ weight, transitions, versions, runMs, shards, callMs, pendingMax, budget }: SteerOptions): SteerInput {
  const stop: StopSpec = { ...(transitions !== undefined && { transitions }), ...(versions !== undefined && { versions }), ...(runMs !== undefined && { runMs }) };
  const sources = [...new Set([callMs, pendingMax, budget].flatMap((bounds) => Object.keys(bounds ?? {})))];
  const annotation = Object.fromEntries(sources.map((source) => [source, { ...(callMs?.[source] !== undefined && { callMs: callMs[source] }), ...(pendingMax?.[source] !== undefined && { pendingMax: pendingMax[source] }), ...(budget?.[source] !== undefined && { budget: budget[source] }) }]));
  const input: SteerInput = { ...(weight && { weights: weight }), ...(Object.keys(stop).length > 0 && { stop }), ...(shards !== undefined && { shards }), ...(sources.length > 0 && { annotation }) };
  if (Object.keys(input).length === 0) throw new InvalidArgumentError('expected --weight, --transitions, --versions, --run-ms, --shards, --call-ms, --pending-max or --budget');
  return input;
}

export function collectBudget(value: string, before: Record<string, BudgetSpec> = {}): Record<string, BudgetSpec> {
  const [name = '', number = '', ...rest] = value.split('=');
  const [unit, scope, ...source] = name.split('.').reverse();
  const known = BUDGET_SCOPES.some((one) => one === scope) && BUDGET_UNITS.some((one) => one === unit);
  if (!known || source.length === 0 || number === '' || rest.length > 0 || !(Number(number) >= 0)) throw new InvalidArgumentError('expected source.scope.unit=number, for example helpful.run.calls=5000');
  const key = source.reverse().join('.');
  return { ...before, [key]: withBudget(before[key], { [scope as string]: { [unit as string]: Number(number) } }) };
}

export function collectWeight(value: string, before: Record<string, number> = {}): Record<string, number> {
  const [name, number, ...rest] = value.split('=');
  if (!name || number === undefined || number === '' || rest.length > 0 || !Number.isFinite(Number(number))) throw new InvalidArgumentError('expected source=number, for example helpful=0.2');
  return { ...before, [name]: Number(number) };
}
