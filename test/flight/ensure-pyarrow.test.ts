import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { ensurePython } from '../reference/ensure-python.js';

afterEach(() => vi.unstubAllEnvs());

it('says what to install where there is no Python, and leaves nothing that looks ready', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'laurel-cache-'));
  try {
    vi.stubEnv('XDG_CACHE_HOME', cache);
    vi.stubEnv('PATH', cache);
    await expect(ensurePython('pyarrow')).rejects.toThrow(/expected python3 \(3\.10 or newer\).*install Python 3 with pip/);
    await expect(ensurePython('pyarrow')).rejects.toThrow(/expected python3/);
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});

it('gives the same interpreter to all who ask at once', async () => {
  const [first, ...others] = await Promise.all([ensurePython('pyarrow'), ensurePython('pyarrow'), ensurePython('pyarrow')]);
  expect(new Set([first, ...others]).size).toBe(1);
}, 600_000);
