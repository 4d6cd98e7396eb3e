/** `laurel docs`: the pages of docs/ that are made from the code. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { errorsPage } from '../../docs/errors-page.js';
import { jobPage } from '../../docs/job-page.js';
import { projectRoot } from '../../folders.js';
import { systemsPage } from '../../systems/systems-page.js';

/** File below docs/, and its text from what is there now. */
export const GENERATED_PAGES: Readonly<Record<string, (current: string) => string>> = { 'errors.md': errorsPage, 'job-spec.md': jobPage, 'systems.md': systemsPage };

export function addDocs(program: Command): void {
  program
    .command('docs')
    .description('check that the pages made from the code are current; --write makes them so')
    .option('--write', 'write them')
    .action(async (options: { write?: boolean }) => {
      for (const [name, make] of Object.entries(GENERATED_PAGES)) {
        const path = join(projectRoot(), 'docs', name);
        const current = await readFile(path, 'utf8').catch(() => '');
        const wanted = make(current);
        if (current === wanted) console.log(`docs/${name} is current`);
        else if (options.write === true) {
          await writeFile(path, wanted);
          console.log(`docs/${name} written`);
        } else {
          console.log(`docs/${name} is not current; \`laurel docs --write\` makes it so`);
          process.exitCode = 1;
        }
      }
    });
}
