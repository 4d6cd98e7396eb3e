/** What is known of a model file before it is loaded: that it is there, that it is a GGUF file, and its digest. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { LaurelError } from '../../../proto/errors.js';

/** Magic, version (u32), number of tensors (u64), number of metadata entries (u64), little endian. */
const HEADER_BYTES = 24;
const VERSIONS = [2, 3];
/** Above any model there is; a header that is not one has numbers like 10^18, over which a reader would loop for ever. */
const ENTRIES_MAX = 1_000_000n;

const digests = new Map<string, Promise<string>>();

/**
 * sha256 of a GGUF file; it is read once in this process as long as its size and time stay the same.
 * @throws LaurelError LAUREL_ASSET_MISSING, LAUREL_MODEL_INVALID
 */
export async function modelFileDigest(path: string): Promise<string> {
  const name = await checkHeader(path);
  let digest = digests.get(name);
  if (digest === undefined) {
    digest = digestOfFile(path);
    digests.set(name, digest);
    digest.catch(() => digests.delete(name));
  }
  return digest;
}

/** Gives what tells this state of the file from another. */
async function checkHeader(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size, mtimeMs } = await file.stat();
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    const version = header.readUInt32LE(4);
    if (bytesRead < HEADER_BYTES || header.toString('latin1', 0, 4) !== 'GGUF' || !VERSIONS.includes(version) || header.readBigUInt64LE(8) > ENTRIES_MAX || header.readBigUInt64LE(16) > ENTRIES_MAX) {
      throw new LaurelError('LAUREL_MODEL_INVALID', `expected a GGUF file (version ${VERSIONS.join(' or ')}) at ${path}, found ${size} bytes that begin otherwise; name a model for llama.cpp in judge.model`, { path });
    }
    return `${path}\n${size}\n${mtimeMs}`;
  } catch (cause) {
    if (cause instanceof LaurelError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new LaurelError('LAUREL_ASSET_MISSING', `expected a model file at ${path}, got ${code}; run \`laurel doctor\`, or correct judge.model.path`, { path, code }, { cause });
  } finally {
    await file?.close();
  }
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest('hex')}`;
}
