/** `laurel pause | resume | stop | retry | skip | void <run>`: the updates of a run, answered by the run itself. */
import { userInfo } from 'node:os';
import { Option, type Command } from 'commander';
import { RunClient } from '../run-client.js';
import { findServer } from '../server.js';

const UPDATES = {
  pause: 'begin no new work until `resume`; calls under way finish',
  resume: 'go on after `pause`',
  stop: 'finish what is under way, evaluate, write the summary and end',
} as const;

const DECISIONS = {
  retry: 'try a step again that failed and is parked',
  skip: 'go on without a step that failed and is parked; its segments are counted as failed',
  void: 'as skip, for a step that holds segments; they are counted as voided',
} as const;

export function addControl(program: Command): void {
  for (const [name, description] of Object.entries(UPDATES)) {
    program
      .command(name)
      .description(description)
      .argument('<run>', 'id of the run')
      .addOption(byOption())
      .action((run: string, { by }: { by: string }) => sendUpdate(run, name, { by }));
  }
  for (const [name, description] of Object.entries(DECISIONS)) {
    program
      .command(name)
      .description(description)
      .argument('<run>', 'id of the run')
      .option('--attention <id>', 'which failed step; default: the oldest')
      .addOption(byOption())
      .action((run: string, { by, attention }: { by: string; attention?: string }) => sendUpdate(run, name, { by, ...(attention !== undefined && { id: attention }) }));
  }
}

/** Who decides, for the record. */
export function byOption(): Option {
  return new Option('--by <name>', 'who decides, for the record').default(process.env['USER'] || userInfo().username, 'your user name');
}

/** Prints the answer of the run. */
export async function sendUpdate(run: string, name: string, input: unknown): Promise<void> {
  const server = await findServer();
  try {
    console.log(await new RunClient(server.connection, server.target.namespace).update(run, name, input));
  } finally {
    await server.close();
  }
}
