/** `laurel doctor`: everything that a start checks, alone, each with what to do. Fetches and changes nothing. */
import type { Command } from 'commander';
import { runChecks, type Check } from '../checks.js';

const MARKS = { good: 'ok  ', note: 'note', bad: 'FAIL' } as const;

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check this machine: Node, folders, what must be fetched, the server; says what to do')
    .option('--json', 'the checks as JSON')
    .action(async (options: { json?: boolean }) => {
      const checks = await runChecks();
      console.log(options.json === true ? JSON.stringify(checks, null, 2) : checks.flatMap(checkLines).join('\n'));
      process.exitCode = checks.some((check) => check.state === 'bad') ? 1 : 0;
    });
}

export function checkLines(check: Check): string[] {
  return [`${MARKS[check.state]}  ${check.title.padEnd(24)}  ${check.found}`, ...(check.action === '' ? [] : [`      what to do: ${check.action}`])];
}
