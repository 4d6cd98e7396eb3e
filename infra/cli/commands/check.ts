/** `laurel check <job>`: says whether a job is valid, without starting anything. */
import type { Command } from 'commander';
import { describeJob } from '../run-client.js';
import { readJobFile, warningLines } from '../job-file.js';

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check a job file; starts and fetches nothing')
    .argument('<job>', 'job file (JSON); - for standard input')
    .option('--json', 'print the job with all defaults')
    .action(async (path: string, options: { json?: boolean }) => {
      const { job } = await readJobFile(path);
      for (const line of warningLines(job)) console.error(line);
      console.log(options.json === true ? JSON.stringify(job, null, 2) : `${job.name} is valid: ${describeJob(job)}`);
    });
}
