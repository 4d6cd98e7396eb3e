/** `laurel submit <job>`: starts a run on a server that has workers somewhere. */
import type { Command } from 'commander';
import { openStore } from '../../../workers/store/open-store.js';
import { runPage } from '../../devserver/connection.js';
import { stateFolder, storeRoot } from '../../folders.js';
import { readJobFile, warningLines } from '../job-file.js';
import { chooseRun, RunMemory } from '../run-choice.js';
import { RunClient } from '../run-client.js';
import { findServer } from '../server.js';

export function addSubmit(program: Command): void {
  program
    .command('submit')
    .description('check a job and start its run; does not wait')
    .argument('<job>', 'job file (JSON); - for standard input')
    .option('--fresh', 'take the next free id where the id is in use')
    .option('--id <run>', 'id of the run; default: the name of the job')
    .action(async (path: string, options: { fresh?: boolean; id?: string }) => {
      const file = await readJobFile(path);
      for (const line of warningLines(file.job)) console.error(line);
      const server = await findServer();
      try {
        const client = new RunClient(server.connection, server.target.namespace);
        const id = options.id ?? file.job.name;
        const store = openStore(storeRoot());
        // Only --fresh looks for another id, and it leaves the run that has this one alone.
        const choice = options.fresh === true ? await chooseRun({ run: id, jobName: id, fresh: true }, (run) => client.facts(run, store)) : undefined;
        const run = choice?.run ?? id;
        await client.submit(run, file.input, file.job);
        await new RunMemory(stateFolder()).remember(file.job.name, run);
        const page = runPage(server.target, run);
        console.log(`run ${run} is submitted${page === undefined ? '' : `: ${page}`}`);
        console.log(`look at it with \`laurel status ${run} --watch\``);
      } finally {
        await server.close();
      }
    });
}
