/** `laurel doctor`: everything that a start checks, alone, each with what to do. Fetches and changes nothing, but for the object with which a bucket is tried. */
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
      console.log(options.json === true ? JSON.stringify(checks, null, 2) : checkLines(checks).join('\n'));
      process.exitCode = checks.some((check) => check.state === 'bad') ? 1 : 0;
    });
}

export function checkLines(checks: readonly Check[]): string[] {
  const width = Math.max(...checks.map((check) => check.title.length));
  return checks.flatMap((check) => [`${MARKS[check.state]}  ${check.title.padEnd(width)}  ${check.found}`, ...(check.action === '' ? [] : [`${' '.repeat(width + 8)}what to do: ${check.action}`])]);
}
