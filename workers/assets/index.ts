/** Assets by id, and what can be done with them. Temporal's command line program is an asset of infra/. */
import type { AssetDefinition } from './asset.js';
import { gemmaAsset } from './model-assets.js';
import { nethackAsset } from './nethack-asset.js';

export type { AssetDefinition, AssetFile, AssetMaking, AssetPaths, AssetPhase, AssetProgress, AssetStatus, OnProgress } from './asset.js';
export { cacheFolder } from './cache.js';
export { ensureAsset, type EnsureOptions } from './ensure.js';
export { ProgramNotFound, runProgram, type ProgramOptions, type ProgramResult } from './program.js';
export { assetStatus, requireAsset, type StatusOptions } from './status.js';
export { gemmaAsset, nethackAsset };

/** Every asset of the workers, by id. */
export const ASSETS: Readonly<Record<'nethack' | 'gemma3-270m', AssetDefinition>> = { nethack: nethackAsset, 'gemma3-270m': gemmaAsset };
