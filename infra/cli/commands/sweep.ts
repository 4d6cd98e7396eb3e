/** `laurel sweep <run>`: removes from the store what the run needs no more, by the retention of its job. */
import type { Command } from 'commander';
import { Sweeper } from '../../../workers/retention/sweeper.js';
import { openStore } from '../../../workers/store/open-store.js';
import { storeRoot } from '../../folders.js';

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export function addSweep(program: Command): void {
  program
    .command('sweep')
    .description('remove from the store what a run needs no more, by the retention of its job; needs no server, and a run may go on meanwhile')
    .argument('<run>', 'id of the run')
    .option('--dry-run', 'only say what would be removed')
    .action(sweepCommand);
}

async function sweepCommand(run: string, options: { dryRun?: boolean }): Promise<void> {
  const sweeper = new Sweeper(openStore(storeRoot()));
  const plan = await sweeper.plan(run);
  for (const { reason, objects } of plan.removals) console.log(`${objects.length.toLocaleString('en')} objects, ${megabytes(objects.reduce((sum, { bytes }) => sum + bytes, 0))}: ${reason}`);
  if (plan.removals.length === 0) console.log('nothing to remove');
  else if (options.dryRun === true) console.log(`nothing was removed (--dry-run); afterwards versions from ${plan.verifiableFrom} on could be made again`);
  else {
    const { objects, bytes, record } = await sweeper.sweep({ run });
    console.log(`removed ${objects.toLocaleString('en')} objects, ${megabytes(bytes)}; ${record?.key ?? ''} says which and why; versions from ${plan.verifiableFrom} on can be made again`);
  }
}
