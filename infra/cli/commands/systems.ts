/** `laurel systems [row]`: runs published reward systems through the whole pipeline and says what they reached. */
import type { Command } from 'commander';
import { LaurelError } from '../../../proto/errors.js';
import { openStore } from '../../../workers/store/open-store.js';
import { storeRoot } from '../../folders.js';
import { SYSTEMS } from '../../systems/registry.js';
import { passed, recordResult } from '../../systems/results.js';
import { runRow, type RowOutcome } from '../../systems/system-runner.js';
import type { SystemRow } from '../../systems/system-row.js';
import { shownNumber } from '../../systems/systems-page.js';
import { Crew } from '../crew.js';
import { watchInterrupt } from '../interrupt.js';
import { RunClient } from '../run-client.js';
import { openServer, type OpenServer } from '../server.js';

interface SystemsOptions {
  readonly short?: boolean;
  readonly list?: boolean;
  readonly record?: boolean;
}

export function addSystems(program: Command): void {
  program
    .command('systems')
    .description('run published reward systems as jobs and check what they reached')
    .argument('[rows...]', 'numbers or names of systems; default: all')
    .option('--short', 'those that take a few seconds')
    .option('--list', 'say which there are and run none')
    .option('--record', 'keep the figures under examples/systems/results, from which docs/systems.md is made')
    .action(systemsCommand);
}

async function systemsCommand(names: readonly string[], options: SystemsOptions): Promise<void> {
  const rows = chosenRows(names).filter((row) => options.short !== true || row.short);
  if (options.list === true) {
    for (const row of rows) console.log(`${String(row.row).padStart(2)}  ${row.name.padEnd(24)} ${row.system}${row.short ? ' (short)' : ''}`);
    return;
  }
  let crew: Crew | undefined;
  let server: OpenServer | undefined;
  const interrupt = watchInterrupt(() => crew?.kill());
  try {
    server = await openServer({ onEvent: (text) => console.error(text) });
    crew = new Crew(server.target, (text) => console.error(text));
    crew.start();
    const client = new RunClient(server.connection, server.target.namespace);
    const outcomes: RowOutcome[] = [];
    for (const row of rows) {
      const outcome = await runRow(row, { client, store: openStore(storeRoot()), signal: interrupt.signal, say: (text) => console.error(`${row.row}: ${text}`) });
      outcomes.push(outcome);
      for (const line of outcomeLines(outcome)) console.log(line);
      if (options.record === true && outcome.failure === null) await recordResult(row, outcome.figures, outcome.seconds);
    }
    const well = outcomes.filter((one) => one.failure === null && passed(one.figures)).length;
    console.log(`\n${well} of ${outcomes.length} systems hold`);
    if (well < outcomes.length) process.exitCode = 1;
  } finally {
    await crew?.stop();
    await server?.close();
    interrupt.close();
  }
}

/** @throws LaurelError LAUREL_JOB_INVALID */
function chosenRows(names: readonly string[]): SystemRow[] {
  if (names.length === 0) return [...SYSTEMS];
  return names.map((name) => {
    const row = SYSTEMS.find((one) => String(one.row) === name || one.name === name || `${one.row}-${one.name}` === name);
    if (row === undefined) throw new LaurelError('LAUREL_JOB_INVALID', `expected the number or name of a system, got ${name}; \`laurel systems --list\` shows them: ${SYSTEMS.map((one) => one.row).join(', ')}`, { name });
    return row;
  });
}

function outcomeLines({ row, figures, seconds, failure }: RowOutcome): string[] {
  const head = `${String(row.row).padStart(2)}  ${row.system}  ${failure !== null ? 'FAILED' : passed(figures) ? 'holds' : 'NOT REPRODUCED'}  ${seconds.toFixed(1)} s`;
  if (failure !== null) return [head, `      ${failure}`];
  return [head, ...figures.map((one) => `      ${one.holds ? ' ' : '!'} ${one.what}: ${shownNumber(one.value)}${one.wanted === null ? '' : ` (${one.wanted})`}`)];
}
