/**
 * NetHack 3.6.6 as a shared library with its data file, from the wheel `nle` 1.3.0 (NetHack General Public License).
 * The wheel for CPython 3.11 is asked for by name, so that the user's own Python version does not matter.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LaurelError } from '../../proto/errors.js';
import type { AssetDefinition } from './asset.js';
import { digestOf } from './manifest.js';
import { downloadWheel, findPip } from './pip.js';
import { extractEntries } from './wheel.js';

const VERSION = '1.3.0';

interface Build {
  readonly platform: string;
  readonly wheel: { readonly sha256: string; readonly bytes: number };
  readonly library: { readonly sha256: string; readonly bytes: number };
}

const DATA = { sha256: '3647741836ad48e3348017eb359c4403255a8ba41100700d07c5cadf9500200c', bytes: 1_384_815 };

const BUILDS: Readonly<Record<string, Build>> = {
  x64: {
    platform: 'manylinux2014_x86_64',
    wheel: { sha256: '68b151d2b114f44dd4b8bf044bcb73e6f7e4e9e7e7a93c4a8310792a91967b8f', bytes: 3_273_396 },
    library: { sha256: 'becf6478c75e40cf9488d6127892951f28ef8736b7b71ce22c37af006b280027', bytes: 3_251_984 },
  },
  arm64: {
    platform: 'manylinux2014_aarch64',
    wheel: { sha256: 'b2e4b705e822ca305da6314e93522031e01c094f6736ff46e90e5e7c0c9442e8', bytes: 3_220_465 },
    library: { sha256: '020237902b5c5540c89720d2a7bf2fca3c95e51df19bdc3100e3fe705ec26403', bytes: 3_251_536 },
  },
};

const REMEDY =
  'have `python3 -m pip` and access to a Python package index (LAUREL_PYTHON names another interpreter), ' +
  `or take libnethack.so and nethackdir/nhdat out of the wheel nle==${VERSION} on another machine and set LAUREL_NETHACK_LIBRARY and LAUREL_NETHACK_DATA (or put both into the folder LAUREL_ASSET_DIR). ` +
  'The grid-world example in examples/ needs none of this and runs everywhere.';

/** True where Node runs on glibc: its program file names its loader near the front. The wheel has no build for musl. */
function isGlibc(): boolean {
  const head = Buffer.alloc(4096);
  const file = openSync(process.execPath, 'r');
  try {
    readSync(file, head, 0, head.length, 0);
  } finally {
    closeSync(file);
  }
  return !head.includes('ld-musl');
}

/** The asset for a machine; `platform` and `architecture` as in `process`. */
export function nethackAssetFor(platform: string, architecture: string, glibc: boolean): AssetDefinition {
  const build = platform === 'linux' && glibc ? BUILDS[architecture] : undefined;
  const folder = `nethack/${VERSION}-${platform}-${architecture}`;
  return {
    id: 'nethack',
    title: 'NetHack 3.6.6 library and data',
    downloadBytes: build?.wheel.bytes ?? 0,
    files: [
      { name: 'library', path: `${folder}/libnethack.so`, variable: 'LAUREL_NETHACK_LIBRARY', ...build?.library },
      { name: 'data', path: `${folder}/nhdat`, variable: 'LAUREL_NETHACK_DATA', ...DATA },
    ],
    remedy: REMEDY,
    ...(build === undefined && { unsupported: `there is no build for ${platform} ${architecture}${platform === 'linux' && !glibc ? ' without glibc' : ''}; builds exist for Linux x64 and arm64 with glibc` }),
    async make({ folder: target, progress, signal }) {
      if (build === undefined) throw new Error('no build for this platform');
      const python = await findPip(signal);
      const making = { folder: target, progress, signal };
      const wheel = await downloadWheel(python, { project: 'nle', version: VERSION, target: { pythonVersion: '3.11', platform: build.platform } }, making, { doneBytes: 0, totalBytes: build.wheel.bytes });
      const digest = await digestOf(wheel);
      if (digest !== build.wheel.sha256) {
        throw new LaurelError('LAUREL_ASSET_CORRUPT', `expected the wheel nle==${VERSION} for ${build.platform} with sha256 ${build.wheel.sha256}, got ${digest}. It is not used. What to do: run again; if it stays so, ${REMEDY}`, { asset: 'nethack' });
      }
      progress({ phase: 'unpack', note: 'taking libnethack.so and nhdat out of the wheel' });
      await extractEntries(wheel, [
        { entry: 'nle/libnethack.so', path: join(target, 'libnethack.so'), bytesMax: build.library.bytes },
        { entry: 'nle/nethackdir/nhdat', path: join(target, 'nhdat'), bytesMax: DATA.bytes },
      ]);
      await rm(join(target, 'wheel-nle'), { recursive: true });
    },
  };
}

/** The asset for this machine. */
export const nethackAsset: AssetDefinition = nethackAssetFor(process.platform, process.arch, process.platform !== 'linux' || isGlibc());
