/** What the tests of assets share: a folder of their own, definitions that need no network, a small zip archive. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { AssetDefinition, AssetMaking } from '../../../workers/assets/index.js';

export const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

export interface Bench {
  readonly root: string;
  /** Variables that put the cache into the test's own folder. */
  readonly variables: Record<string, string>;
  remove(): void;
}

export function openBench(): Bench {
  const root = mkdtempSync(join(tmpdir(), 'laurel-test-assets-'));
  return { root, variables: { LAUREL_CACHE: join(root, 'cache') }, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export interface Counted extends AssetDefinition {
  readonly calls: { made: number };
}

/** An asset of two files with known contents; `make` may be replaced. */
export function define(change: Partial<AssetDefinition> = {}): Counted {
  const calls = { made: 0 };
  const contents: Readonly<Record<string, string>> = { 'tool.bin': 'the tool', 'data.txt': 'its data' };
  const definition: AssetDefinition = {
    id: 'sample',
    title: 'sample tool',
    downloadBytes: 16,
    files: [
      { name: 'tool', path: 'sample/1/tool.bin', variable: 'LAUREL_SAMPLE_TOOL', sha256: sha256('the tool'), bytes: 8, executable: true },
      { name: 'data', path: 'sample/1/data.txt', variable: 'LAUREL_SAMPLE_DATA', sha256: sha256('its data'), bytes: 8 },
    ],
    remedy: 'bring the sample yourself',
    make({ folder }: AssetMaking) {
      for (const { path } of definition.files) writeFileSync(join(folder, basename(path)), contents[basename(path)] as string);
      return Promise.resolve();
    },
    ...change,
  };
  const { make } = definition;
  return {
    ...definition,
    calls,
    make(making) {
      calls.made++;
      return make(making);
    },
  };
}

function crc32(content: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of content) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** A zip archive whose entries are stored without compression. */
export function zip(entries: Readonly<Record<string, string>>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(entries)) {
    const content = Buffer.from(text);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(content.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), content]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), Buffer.from([20, 0]), fields, rest, Buffer.from(name)]));
    bodies.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(18);
  const listing = Buffer.concat(directory);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(listing.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, listing, Buffer.from('PK\x05\x06', 'latin1'), end]);
}
