#!/usr/bin/env node
/** The command line of Laurel. Every command is one file of commands/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { projectRoot } from '../folders.js';
import { addCheck } from './commands/check.js';
import { addControl } from './commands/control.js';
import { addDocs } from './commands/docs.js';
import { addDoctor } from './commands/doctor.js';
import { addLabels } from './commands/labels.js';
import { addRescore } from './commands/rescore.js';
import { addReport } from './commands/report.js';
import { addRun } from './commands/run.js';
import { addSchema } from './commands/schema.js';
import { addStatus } from './commands/status.js';
import { addSteer } from './commands/steer.js';
import { addSubmit } from './commands/submit.js';
import { addSystems } from './commands/systems.js';
import { addSweep } from './commands/sweep.js';
import { addUp } from './commands/up.js';
import { addVerify } from './commands/verify.js';
import { addWorker } from './commands/worker.js';
import { describeFailure, EXIT_USAGE } from './failure.js';

const version = (JSON.parse(readFileSync(join(projectRoot(), 'package.json'), 'utf8')) as { version: string }).version;

const program = new Command('laurel')
  .description("Durable reinforcement learning from a language model's feedback.")
  .version(version)
  .showHelpAfterError('(--help shows what can be said)')
  .exitOverride();
for (const add of [addRun, addUp, addWorker, addSubmit, addStatus, addControl, addSteer, addReport, addVerify, addSweep, addRescore, addLabels, addCheck, addSchema, addDoctor, addDocs, addSystems]) add(program);
// Commands made before this line take the setting from the program; those of the program itself do not.
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    const failure = describeFailure(error);
    for (const line of failure.lines) console.error(line);
    process.exitCode = failure.exitCode;
  }
}
