/** `laurel check <job>`: says whether a job is valid, without starting anything. */
import type { Command } from 'commander';
import { warningsOf } from '../../../proto/resolve.js';
import { describeJob } from '../run-client.js';
import { readJobFile } from '../job-file.js';

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check a job file; starts and fetches nothing')
    .argument('<job>', 'job file (JSON); - for standard input')
    .option('--json', 'print the job with all defaults')
    .action(async (path: string, options: { json?: boolean }) => {
      const { job } = await readJobFile(path);
      for (const { path: where, message, code } of warningsOf(job)) console.error(`warning ${code ?? ''}  ${where}: ${message}`);
      console.log(options.json === true ? JSON.stringify(job, null, 2) : `${job.name} is valid: ${describeJob(job)}`);
    });
}
