/** `laurel schema`: the JSON Schema of the job file. */
import type { Command } from 'commander';
import { jobJsonSchema } from '../../../proto/resolve.js';

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the job file, for editors')
    .action(() => console.log(JSON.stringify(jobJsonSchema(), null, 2)));
}
