/** Fetches what the tests need, so that no test waits for a download: Temporal's CLI, NetHack's library, the embedded model. */
import { LaurelError } from '../../proto/errors.js';
import { ASSETS, ensureAsset } from '../../workers/assets/index.js';
import { AssetLines } from '../cli/asset-progress.js';
import { ensureTemporalCli } from '../temporal-cli/temporal-cli.js';

const lines = new AssetLines((text) => console.log(`  ${text}`));
let failures = 0;
const attempt = async (title: string, fetch: () => Promise<unknown>): Promise<void> => {
  try {
    await fetch();
  } catch (error) {
    failures += 1;
    const code = error instanceof LaurelError ? `${error.code}  ` : '';
    console.error(`  ${title}: ${code}${(error as Error).message}`);
  }
};

const onProgress = lines.report.bind(lines);
await attempt("Temporal's CLI", () => ensureTemporalCli({ onProgress }));
for (const definition of Object.values(ASSETS)) await attempt(definition.title, () => ensureAsset(definition, { onProgress }));
// Tests that need what could not be fetched fail by themselves and say so; the others still run.
process.exitCode = failures === 0 ? 0 : 1;
