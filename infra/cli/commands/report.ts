/** `laurel report <run>`: writes report.html from the store, for a run that goes on or is over. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { renderRunReport } from '../../../workers/report/report.js';
import { openStore } from '../../../workers/store/open-store.js';
import { storeRoot } from '../../folders.js';

export function addReport(program: Command): void {
  program
    .command('report')
    .description('write a page with the curves and tables of a run, from the store alone')
    .argument('<run>', 'id of the run')
    .option('--out <file>', 'where to; default: <run>-report.html in the current folder')
    .action(async (run: string, options: { out?: string }) => {
      const page = await renderRunReport(openStore(storeRoot()), run);
      const path = resolve(options.out ?? join('.', `${run}-report.html`));
      await writeFile(path, page);
      console.log(path);
    });
}
