/** `laurel schema`: the JSON Schema of the job file. */
import type { Command } from 'commander';
import { jobJsonSchema, modelJobJsonSchema } from '../../../proto/resolve.js';

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the job file, for editors')
    .option('--model-job', 'of a job without rollouts (it has `data` and no `environment`)')
    .action((options: { modelJob?: boolean }) => console.log(JSON.stringify(options.modelJob === true ? modelJobJsonSchema() : jobJsonSchema(), null, 2)));
}
