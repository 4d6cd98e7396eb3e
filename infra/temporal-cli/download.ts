/** Temporal's CLI from its publisher: the same address and answers that Temporal's SDKs use for their test servers. */
import { rm, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { moveIntoPlace, temporaryBeside } from './install.js';
import type { CliProgress } from './temporal-cli.js';

export interface DownloadOptions {
  readonly version: string;
  /** Where to ask; default: `https://temporal.download/cli`. */
  readonly url?: string | undefined;
  /** For the first answer, and for each piece of the archive after it: silence this long ends the attempt. */
  readonly timeoutMs: number;
  readonly onProgress: (progress: CliProgress) => void;
}

const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export async function downloadCli(target: string, options: DownloadOptions): Promise<void> {
  const platform = PLATFORMS[process.platform];
  const arch = ARCHITECTURES[process.arch];
  if (platform === undefined || arch === undefined) throw new Error(`expected linux or darwin on x64 or arm64, got ${process.platform} on ${process.arch}`);
  const query = new URLSearchParams({ arch, platform, format: 'tar.gz' });
  options.onProgress({ step: 'download', text: `asking for Temporal's CLI ${options.version}` });
  const answer = JSON.parse(Buffer.from(await fetchBytes(`${options.url ?? 'https://temporal.download/cli'}/${options.version}?${query.toString()}`, options)).toString('utf8')) as Partial<Record<string, unknown>>;
  const { archiveUrl, fileToExtract } = answer;
  if (typeof archiveUrl !== 'string' || typeof fileToExtract !== 'string') throw new Error(`expected archiveUrl and fileToExtract in the answer, got ${Object.keys(answer).join(', ')}`);
  const archive = await fetchBytes(archiveUrl, options, (share) => options.onProgress({ step: 'download', text: `downloading Temporal's CLI ${options.version}`, share }));
  const program = extractFile(gunzipSync(archive), fileToExtract);
  const temporary = temporaryBeside(target);
  try {
    await writeFile(temporary, program);
    await moveIntoPlace(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function fetchBytes(url: string, options: DownloadOptions, onShare?: (share: number) => void): Promise<Uint8Array> {
  const abort = new AbortController();
  let timer = setTimeout(() => abort.abort(), options.timeoutMs);
  try {
    const response = await fetch(url, { signal: abort.signal });
    if (!response.ok || response.body === null) throw new Error(`expected ${new URL(url).host} to answer 200, got ${response.status}`);
    const total = Number(response.headers.get('content-length') ?? 0);
    const pieces: Uint8Array[] = [];
    let received = 0;
    for await (const piece of response.body as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), options.timeoutMs);
      pieces.push(piece);
      received += piece.byteLength;
      if (total > 0) onShare?.(received / total);
    }
    if (total > 0 && received !== total) throw new Error(`expected ${total} bytes from ${new URL(url).host}, got ${received}`);
    return Buffer.concat(pieces);
  } catch (error) {
    if (abort.signal.aborted) throw new Error(`expected ${new URL(url).host} to answer within ${options.timeoutMs} ms`, { cause: error });
    const cause = (error as Error).cause;
    throw cause instanceof Error ? new Error(`${new URL(url).host} cannot be reached (${cause.message})`, { cause }) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** One regular file of a tar archive (POSIX ustar: headers and bodies in blocks of 512 bytes). */
export function extractFile(archive: Uint8Array, name: string): Uint8Array {
  const text = (from: number, length: number): string => Buffer.from(archive.subarray(from, from + length)).toString('latin1').split('\0')[0] as string;
  for (let offset = 0; offset + 512 <= archive.byteLength; ) {
    const entry = text(offset, 100);
    if (entry === '') break;
    const size = Number.parseInt(text(offset + 124, 12).trim(), 8);
    if (!Number.isSafeInteger(size)) throw new Error(`expected an octal size in the archive at ${offset}`);
    const body = offset + 512;
    if (entry.replace(/^\.\//, '') === name) {
      if (body + size > archive.byteLength) throw new Error(`expected ${size} bytes of ${name} in the archive, it ends early`);
      return archive.subarray(body, body + size);
    }
    offset = body + Math.ceil(size / 512) * 512;
  }
  throw new Error(`expected ${name} in the archive, found no such file`);
}
