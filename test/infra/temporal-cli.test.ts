import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildCli, formatElapsed } from '../../infra/temporal-cli/build.js';
import { extractFile } from '../../infra/temporal-cli/download.js';
import { ensureTemporalCli, findTemporalCli, isRecent } from '../../infra/temporal-cli/temporal-cli.js';

const PROGRAM = (name: string): string => `#!/bin/sh\necho "temporal version 9.9.9 (Server 1.29.1, UI 2.42.1) ${name}"\n`;

/** A tar archive of regular files (ustar). */
function tar(files: Readonly<Record<string, string>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 'latin1');
    header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    header.write('0', 156, 'latin1');
    const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
    body.write(text, 0, 'latin1');
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

describe("getting Temporal's CLI", () => {
  let folder: string;
  let variables: Record<string, string>;
  let server: Server;
  let url: string;
  let archive: Buffer | 'silence' | 'half';
  let downloads: number;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'laurel-cli-'));
    variables = { LAUREL_CACHE: join(folder, 'cache'), PATH: join(folder, 'path') };
    downloads = 0;
    archive = gzipSync(tar({ 'README.md': 'x'.repeat(700), temporal: PROGRAM('downloaded') }));
    server = createServer((request, response) => {
      if (archive === 'silence') return;
      if (request.url?.startsWith('/cli/')) {
        response.end(JSON.stringify({ archiveUrl: `${url}/archive`, fileToExtract: 'temporal' }));
        return;
      }
      downloads += 1;
      const whole = archive === 'half' ? gzipSync(tar({ temporal: PROGRAM('half') })) : archive;
      response.writeHead(200, { 'content-length': String(whole.length) });
      if (archive !== 'half') response.end(whole);
      else response.write(whole.subarray(0, 40), () => response.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Stands for Go: puts a program where `go install` would, or fails. */
  const fakeGo = async (body: string): Promise<string> => {
    const path = join(folder, 'fake-go');
    await writeFile(path, `#!/bin/sh\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  };
  const install = async (where: string, text: string): Promise<string> => {
    await mkdir(where, { recursive: true });
    const path = join(where, 'temporal');
    await writeFile(path, text);
    await chmod(path, 0o755);
    return path;
  };
  const sources = (go: string) => ({ downloadUrl: `${url}/cli`, downloadTimeoutMs: 400, build: { go } });

  it('takes the one that is named, before that on the PATH, before that in the cache', async () => {
    expect(await findTemporalCli(variables)).toBeUndefined();
    await ensureTemporalCli({ variables, ...sources('/nonexistent/go') });
    expect(await findTemporalCli(variables)).toMatchObject({ from: 'cache' });
    const onPath = await install(join(folder, 'path'), PROGRAM('path'));
    expect(await findTemporalCli(variables)).toMatchObject({ from: 'path', path: onPath });
    const own = await install(join(folder, 'own'), PROGRAM('own'));
    expect(await findTemporalCli({ ...variables, LAUREL_TEMPORAL_CLI: own })).toMatchObject({ from: 'variable', path: own });
  });

  it('passes over a program on the PATH that is another one, or too old', async () => {
    await install(join(folder, 'path'), '#!/bin/sh\necho "a calendar"\n');
    expect(await findTemporalCli(variables)).toBeUndefined();
    await install(join(folder, 'path'), '#!/bin/sh\necho "temporal version 0.10.0 (Server 1.20.0)"\n');
    expect(await findTemporalCli(variables)).toBeUndefined();
    expect(['temporal version 1.1.0 (Server 1.25.0, UI 2)', 'temporal version 2 (Server 2.0.1)', 'temporal version 3'].map(isRecent)).toEqual([true, true, true]);
  });

  it('says which variable is wrong', async () => {
    await expect(findTemporalCli({ ...variables, LAUREL_TEMPORAL_CLI: '/nonexistent/temporal' })).rejects.toMatchObject({ code: 'LAUREL_ASSET_MISSING', message: expect.stringContaining('LAUREL_TEMPORAL_CLI') as string });
  });

  it('downloads it once, for two starts at once, with progress', async () => {
    const notes: string[] = [];
    const options = { variables, ...sources('/nonexistent/go'), onProgress: (progress: { phase: string; doneBytes?: number }) => notes.push(`${progress.phase} ${progress.doneBytes === undefined ? '' : 'bytes'}`) };
    const [one, two] = await Promise.all([ensureTemporalCli(options), ensureTemporalCli(options)]);
    expect(one.path).toBe(join(folder, 'cache', 'bin', 'temporal'));
    expect(two).toEqual(one);
    expect(one.version).toContain('downloaded');
    expect(downloads).toBe(1);
    expect(notes).toContain('download bytes');
  });

  it.each([
    ['the address is silent', 'silence' as const],
    ['the archive breaks off', 'half' as const],
    ['the archive has no such file', gzipSync(tar({ other: 'x' }))],
  ])('builds it with Go where %s, and shows the time', async (_reason, what) => {
    archive = what;
    const go = await fakeGo(`[ "$1" = install ] || exit 1\ncase "$2" in github.com/temporalio/cli/cmd/temporal@v*) ;; *) exit 1;; esac\nprintf '%s' '${PROGRAM('built')}' > "$GOBIN/temporal"; chmod 755 "$GOBIN/temporal"`);
    const notes: string[] = [];
    const found = await ensureTemporalCli({ variables, ...sources(go), onProgress: ({ note }) => notes.push(note) });
    expect(found.version).toContain('built');
    expect(notes.some((note) => /takes minutes, 0:0\d so far/.test(note))).toBe(true);
    expect(await readdir(join(folder, 'cache', 'bin'))).toEqual(['temporal']);
  });

  it('says what was tried and what to do where nothing works, and leaves no half program', async () => {
    archive = 'half';
    const go = await fakeGo('echo "no such module" >&2; printf half > "$GOBIN/temporal"; exit 1');
    const attempt = ensureTemporalCli({ variables, ...sources(go) });
    await expect(attempt).rejects.toMatchObject({ code: 'LAUREL_ASSET_MISSING', message: expect.stringMatching(/no download[\s\S]*no build[\s\S]*no such module[\s\S]*TEMPORAL_ADDRESS/) as string });
    expect(await findTemporalCli(variables)).toBeUndefined();
    expect(await readdir(join(folder, 'cache', 'partial'))).toEqual([]);
  });

  it('stops a build when asked', async () => {
    const go = await fakeGo('exec sleep 60');
    const abort = new AbortController();
    const target = join(folder, 'out', 'temporal');
    await mkdir(join(folder, 'out'));
    const building = buildCli(target, { go, version: 'v1', progress: () => abort.abort(new Error('asked')), signal: abort.signal });
    await expect(building).rejects.toThrow('asked');
    expect(await readdir(join(folder, 'out'))).toEqual([]);
  });
});

describe('reading an archive', () => {
  it('gives the very bytes of the file, and refuses one that ends early', () => {
    const archive = tar({ a: 'first', b: 'x'.repeat(600) });
    expect(Buffer.from(extractFile(archive, 'b')).toString()).toBe('x'.repeat(600));
    expect(() => extractFile(archive.subarray(0, 1600), 'b')).toThrow('ends early');
    expect(() => extractFile(archive, 'c')).toThrow('no such file');
    expect(formatElapsed(65_400)).toBe('1:05');
  });
});
