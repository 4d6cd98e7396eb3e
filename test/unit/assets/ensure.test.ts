import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorCodeOf } from '../../../proto/errors.js';
import { assetStatus, ensureAsset, requireAsset, type AssetProgress } from '../../../workers/assets/index.js';
import { define, openBench, sha256, type Bench } from './support.js';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.remove());

const inCache = (path: string): string => join(bench.root, 'cache', path);
const failureOf = async (action: Promise<unknown>): Promise<{ code: string | undefined; message: string }> => {
  const error = await action.then(
    () => undefined,
    (one: unknown) => one as Error,
  );
  return { code: errorCodeOf(error), message: error?.message ?? '' };
};

describe('an asset', () => {
  it('is made once, put in place, and found again', async () => {
    const asset = define();
    const seen: AssetProgress[] = [];
    const paths = await ensureAsset(asset, { variables: bench.variables, onProgress: (progress) => seen.push(progress) });
    expect(paths).toEqual({ tool: inCache('sample/1/tool.bin'), data: inCache('sample/1/data.txt') });
    expect(readFileSync(paths['data'] as string, 'utf8')).toBe('its data');
    expect(statSync(paths['tool'] as string).mode & 0o111).toBe(0o111);
    expect(seen.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['verify', 'ready']));
    expect(await ensureAsset(asset, { variables: bench.variables })).toEqual(paths);
    expect(await requireAsset(asset, { variables: bench.variables })).toEqual(paths);
    expect(asset.calls.made).toBe(1);
    expect(readdirSync(inCache('partial'))).toEqual([]);
  });

  it('is made once though two calls want it at once', async () => {
    const asset = define();
    const slow = { ...asset, make: async (making: Parameters<typeof asset.make>[0]) => (await new Promise((resolve) => setTimeout(resolve, 300)), asset.make(making)) };
    const waiting: string[] = [];
    await Promise.all([0, 1].map(() => ensureAsset(slow, { variables: bench.variables, onProgress: ({ phase }) => waiting.push(phase) })));
    expect(asset.calls.made).toBe(1);
    expect(waiting).toContain('waiting');
  });

  it('that comes with another digest is not put in place', async () => {
    const asset = define();
    const altered = { ...asset, make: ({ folder }: { folder: string }) => (writeFileSync(join(folder, 'tool.bin'), 'the took'), writeFileSync(join(folder, 'data.txt'), 'its data'), Promise.resolve()) };
    const { code, message } = await failureOf(ensureAsset(altered, { variables: bench.variables }));
    expect(code).toBe('LAUREL_ASSET_CORRUPT');
    expect(message).toContain(sha256('the took'));
    expect(message).toContain(sha256('the tool'));
    expect(existsSync(inCache('sample'))).toBe(false);
    expect(readdirSync(inCache('partial'))).toEqual([]);
  });

  it('whose making breaks off leaves nothing, says what to do, and can be made later', async () => {
    const asset = define();
    const broken = { ...asset, make: ({ folder }: { folder: string }) => (writeFileSync(join(folder, 'tool.bin'), 'the'), Promise.reject(new Error('line is down'))) };
    const { code, message } = await failureOf(ensureAsset(broken, { variables: bench.variables }));
    expect(code).toBe('LAUREL_ASSET_MISSING');
    expect(message).toMatch(/sample tool.*line is down.*bring the sample yourself/s);
    expect((await assetStatus(asset, { variables: bench.variables })).state).toBe('missing');
    expect(readdirSync(inCache('partial'))).toEqual([]);
    await ensureAsset(asset, { variables: bench.variables });
    expect(asset.calls.made).toBe(1);
  });

  it('that a killed process left half made is cleared away, and the half is never used', async () => {
    mkdirSync(inCache('partial/sample-killed'), { recursive: true });
    writeFileSync(inCache('partial/sample-killed/tool.bin'), 'the');
    mkdirSync(inCache('sample/1'), { recursive: true });
    writeFileSync(inCache('sample/1/tool.bin'), 'the tool');
    const asset = define();
    expect((await assetStatus(asset, { variables: bench.variables })).state).toBe('missing');
    await ensureAsset(asset, { variables: bench.variables });
    expect(readdirSync(inCache('partial'))).toEqual([]);
  });

  it('that was cut short in the cache is noticed and fetched anew', async () => {
    const asset = define();
    const { tool } = await ensureAsset(asset, { variables: bench.variables });
    truncateSync(tool as string, 3);
    const status = await assetStatus(asset, { variables: bench.variables });
    expect(status).toMatchObject({ state: 'corrupt', found: expect.stringContaining('3 bytes, expected 8') });
    expect((await failureOf(requireAsset(asset, { variables: bench.variables }))).code).toBe('LAUREL_ASSET_CORRUPT');
    await ensureAsset(asset, { variables: bench.variables });
    expect(readFileSync(tool as string, 'utf8')).toBe('the tool');
    expect(asset.calls.made).toBe(2);
  });

  it('that was altered without a change of size is noticed by its time, and with the same time by a deep look', async () => {
    const asset = define();
    const { tool } = await ensureAsset(asset, { variables: bench.variables });
    const { atime, mtime } = statSync(tool as string);
    writeFileSync(tool as string, 'the took');
    utimesSync(tool as string, atime, new Date(mtime.getTime() + 5000));
    expect((await assetStatus(asset, { variables: bench.variables })).state).toBe('corrupt');
    utimesSync(tool as string, atime, mtime);
    expect((await assetStatus(asset, { variables: bench.variables, deep: true })).state).toBe('corrupt');
  });

  it('that is built here has the digest of its build recorded', async () => {
    const asset = define({ files: [{ name: 'tool', path: 'sample/1/tool.bin', variable: 'LAUREL_SAMPLE_TOOL' }] });
    const { tool } = await ensureAsset(asset, { variables: bench.variables });
    expect((await assetStatus(asset, { variables: bench.variables, deep: true })).state).toBe('present');
    writeFileSync(tool as string, 'the took');
    utimesSync(tool as string, new Date(), new Date(Date.UTC(2001, 1, 1)));
    expect((await assetStatus(asset, { variables: bench.variables })).state).toBe('corrupt');
  });

  it('can be stopped while it is made', async () => {
    const stop = new AbortController();
    const asset = define({
      make: ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })),
    });
    const ending = failureOf(ensureAsset(asset, { variables: bench.variables, signal: stop.signal }));
    setTimeout(() => stop.abort(new Error('enough')), 50);
    expect((await ending).message).toBe('enough');
    expect(readdirSync(inCache('partial'))).toEqual([]);
  });

  it('needs a cache folder that can be written', async () => {
    writeFileSync(join(bench.root, 'cache'), 'a file in the way');
    const { code, message } = await failureOf(ensureAsset(define(), { variables: bench.variables }));
    expect(code).toBe('LAUREL_ASSET_MISSING');
    expect(message).toContain('set LAUREL_CACHE');
  });
});

describe("a user's own files", () => {
  it('take the place of ours, each by its variable, and are taken as they are', async () => {
    const own = join(bench.root, 'own.bin');
    writeFileSync(own, 'my own build');
    const asset = define();
    const variables = { ...bench.variables, LAUREL_SAMPLE_TOOL: own, LAUREL_SAMPLE_DATA: own };
    expect(await ensureAsset(asset, { variables })).toEqual({ tool: own, data: own });
    expect(await assetStatus(asset, { variables })).toMatchObject({ state: 'present', origin: 'own' });
    expect(asset.calls.made).toBe(0);
  });

  it('lie in LAUREL_ASSET_DIR under their names, and must be whole', async () => {
    const asset = define();
    const variables = { ...bench.variables, LAUREL_ASSET_DIR: bench.root };
    writeFileSync(join(bench.root, 'tool.bin'), 'the tool');
    expect((await failureOf(ensureAsset(asset, { variables }))).message).toContain(`no file at ${join(bench.root, 'data.txt')} (from LAUREL_ASSET_DIR)`);
    writeFileSync(join(bench.root, 'data.txt'), 'its');
    expect((await assetStatus(asset, { variables })).state).toBe('corrupt');
    writeFileSync(join(bench.root, 'data.txt'), 'its data');
    expect((await assetStatus(asset, { variables, deep: true })).state).toBe('present');
    writeFileSync(join(bench.root, 'data.txt'), 'its date');
    expect((await assetStatus(asset, { variables, deep: true })).state).toBe('corrupt');
  });

  it('are never replaced when they are not there', async () => {
    const asset = define();
    const variables = { ...bench.variables, LAUREL_SAMPLE_TOOL: join(bench.root, 'nowhere') };
    const { code, message } = await failureOf(ensureAsset(asset, { variables }));
    expect(code).toBe('LAUREL_ASSET_MISSING');
    expect(message).toContain('LAUREL_SAMPLE_TOOL');
    expect(asset.calls.made).toBe(0);
  });
});
