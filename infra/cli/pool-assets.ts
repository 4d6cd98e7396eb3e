/** What the workers of a pool may need that is fetched, whatever jobs they will get. */
import type { Pool } from '../../proto/activities.js';
import { ERROR_TABLE, errorCodeOf } from '../../proto/errors.js';
import { ASSETS, ensureAsset, type AssetDefinition } from '../../workers/assets/index.js';
import { progressView } from './asset-progress.js';
import { checkLines } from './commands/doctor.js';

/** NetHack is played by rollouts, the small language model asked by annotators. */
const NEEDED: Partial<Readonly<Record<Pool, readonly AssetDefinition[]>>> = { rollout: [ASSETS.nethack], annotator: [ASSETS['gemma3-270m']] };

/**
 * Fetches the assets of these pools, with progress. What cannot be had is said as `laurel doctor` says it, and no reason
 * not to start: jobs that do not need it run.
 */
export async function fetchForPools(pools: readonly Pool[], signal: AbortSignal, stream: NodeJS.WriteStream = process.stdout): Promise<void> {
  const view = progressView(stream);
  const onProgress = view.report.bind(view);
  const lines: string[] = [];
  await Promise.all(
    pools.flatMap((pool) => NEEDED[pool] ?? []).map(async (definition) => {
      try {
        await ensureAsset(definition, { onProgress, signal });
      } catch (error) {
        signal.throwIfAborted();
        const code = errorCodeOf(error);
        if (code === undefined) throw error;
        lines.push(...checkLines([{ title: definition.title, state: 'note', found: `${code}: ${(error as Error).message}`, action: ERROR_TABLE[code].action }]));
      }
    }),
  );
  view.stop();
  for (const line of lines) stream.write(`${line}\n`);
}
