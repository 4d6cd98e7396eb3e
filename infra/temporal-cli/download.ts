/** Temporal's CLI from its publisher: the same address and answers that Temporal's SDKs use for their test servers. */
import { writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { AssetMaking } from '../../workers/assets/index.js';

export interface DownloadRequest extends Pick<AssetMaking, 'progress' | 'signal'> {
  readonly version: string;
  /** Where to ask; default: `https://temporal.download/cli`. */
  readonly url?: string | undefined;
  /** For the first answer, and for each piece of the archive after it: silence this long ends the attempt. */
  readonly timeoutMs: number;
}

const PLATFORMS: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

export async function downloadCli(target: string, request: DownloadRequest): Promise<void> {
  const platform = PLATFORMS[process.platform];
  const arch = ARCHITECTURES[process.arch];
  if (platform === undefined || arch === undefined) throw new Error(`expected linux or darwin on x64 or arm64, got ${process.platform} on ${process.arch}`);
  const query = new URLSearchParams({ arch, platform, format: 'tar.gz' });
  const note = `downloading Temporal's CLI ${request.version}`;
  request.progress({ phase: 'download', note });
  const answer = JSON.parse(Buffer.from(await fetchBytes(`${request.url ?? 'https://temporal.download/cli'}/${request.version}?${query.toString()}`, request)).toString('utf8')) as Partial<Record<string, unknown>>;
  const { archiveUrl, fileToExtract } = answer;
  if (typeof archiveUrl !== 'string' || typeof fileToExtract !== 'string') throw new Error(`expected archiveUrl and fileToExtract in the answer, got ${Object.keys(answer).join(', ')}`);
  const archive = await fetchBytes(archiveUrl, request, (doneBytes, totalBytes) => request.progress({ phase: 'download', doneBytes, totalBytes, note }));
  request.progress({ phase: 'unpack', note: `unpacking Temporal's CLI ${request.version}` });
  await writeFile(target, extractFile(gunzipSync(archive), fileToExtract), { mode: 0o755 });
}

async function fetchBytes(url: string, request: DownloadRequest, onBytes?: (doneBytes: number, totalBytes: number) => void): Promise<Uint8Array> {
  const host = new URL(url).host;
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), request.timeoutMs);
  const stop = (): void => silence.abort();
  request.signal.addEventListener('abort', stop, { once: true });
  try {
    const response = await fetch(url, { signal: silence.signal });
    if (!response.ok || response.body === null) throw new Error(`expected ${host} to answer 200, got ${response.status}`);
    const totalBytes = Number(response.headers.get('content-length') ?? 0);
    const pieces: Uint8Array[] = [];
    let doneBytes = 0;
    for await (const piece of response.body as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), request.timeoutMs);
      pieces.push(piece);
      doneBytes += piece.byteLength;
      if (totalBytes > 0) onBytes?.(doneBytes, totalBytes);
    }
    if (totalBytes > 0 && doneBytes !== totalBytes) throw new Error(`expected ${totalBytes} bytes from ${host}, got ${doneBytes}`);
    return Buffer.concat(pieces);
  } catch (error) {
    request.signal.throwIfAborted();
    if (silence.signal.aborted) throw new Error(`${host} was silent for ${request.timeoutMs} ms`, { cause: error });
    const cause = (error as Error).cause;
    throw cause instanceof Error ? new Error(`${host} cannot be reached: ${cause.message}`, { cause }) : error;
  } finally {
    clearTimeout(timer);
    request.signal.removeEventListener('abort', stop);
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
