/**
 * The entries of a label log by position, whether each still lies in an object of its own or in a pack. Entries of one block
 * of 512 are packed together, unchanged, once the log has gone a block beyond it: a position never changes what it shows,
 * its entry is the same bytes, and a long log is some packs instead of tens of thousands of objects.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { LaurelError } from '../../proto/errors.js';
import { digestOf } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { decodeRecords } from './label-record.js';

/** Entries of one pack. Part of the form of the store: it never changes. */
export const PACK_ENTRIES = 512;

interface PackHeader {
  readonly annotator: string;
  readonly from: number;
  /** Lengths of the entries, one after the other. */
  readonly sizes: readonly number[];
  /** Of what follows the header. */
  readonly digest: string;
}

export class LabelEntries {
  /** The pack that was read last: logs are read in order. */
  private open: { readonly block: number; readonly entries: readonly Uint8Array[] } | undefined;

  constructor(
    private readonly store: ObjectStore,
    readonly annotator: string,
  ) {}

  /** Bytes of an entry; undefined: the log has none there. @throws LaurelError LAUREL_STORE_CORRUPT, LAUREL_STORE_UNAVAILABLE */
  async read(position: number): Promise<Uint8Array | undefined> {
    const block = Math.floor(position / PACK_ENTRIES);
    if (this.open?.block === block) return this.open.entries[position % PACK_ENTRIES];
    const bytes = await this.store.get(layout.label(this.annotator, position));
    if (bytes !== undefined) return bytes;
    // A pack is written before its entries are removed.
    const entries = await this.pack(block);
    if (entries === undefined) return undefined;
    this.open = { block, entries };
    return entries[position % PACK_ENTRIES];
  }

  /** Entries that there are, by the highest name. */
  async count(): Promise<number> {
    const [labels, packs] = await Promise.all([this.store.list(layout.labels(this.annotator)), this.store.list(layout.labelPacks(this.annotator))]);
    return Math.max(numberOf(labels.at(-1)?.key) + 1, (numberOf(packs.at(-1)?.key) + 1) * PACK_ENTRIES);
  }

  /** Whether the block of a position is packed: nothing may be appended there. */
  isPacked(position: number): Promise<boolean> {
    return this.store.exists(layout.labelPack(this.annotator, Math.floor(position / PACK_ENTRIES)));
  }

  /**
   * Packs blocks that the log has left behind, the oldest first, and removes their entries. Safe beside writers, readers and
   * other processes that pack: the pack is durable, and read back, before an entry goes.
   * @param most blocks at most
   * @returns blocks that were packed, or whose entries were removed, now
   * @throws LaurelError LAUREL_STORE_CORRUPT where an entry is damaged: then nothing of its block is touched
   */
  async compact(most = Number.POSITIVE_INFINITY): Promise<number> {
    const loose = (await this.store.list(layout.labels(this.annotator))).map(({ key }) => numberOf(key));
    const end = await this.count();
    const blocks = [...new Set(loose.map((position) => Math.floor(position / PACK_ENTRIES)))].filter((block) => (block + 2) * PACK_ENTRIES <= end);
    let done = 0;
    for (const block of blocks.slice(0, most)) {
      const packed = (await this.pack(block)) ?? (await this.makePack(block));
      if (packed === undefined) continue;
      for (const position of loose) if (Math.floor(position / PACK_ENTRIES) === block) await this.store.delete(layout.label(this.annotator, position));
      done++;
    }
    return done;
  }

  /** Undefined where an entry of the block is missing: the log has a hole, which is for a person. */
  private async makePack(block: number): Promise<readonly Uint8Array[] | undefined> {
    const from = block * PACK_ENTRIES;
    const entries: Uint8Array[] = [];
    for (let position = from; position < from + PACK_ENTRIES; position++) {
      const key = layout.label(this.annotator, position);
      const bytes = await this.store.get(key);
      if (bytes === undefined) return undefined;
      decodeRecords(bytes, key, this.annotator);
      entries.push(bytes);
    }
    await this.store.putIfAbsent(layout.labelPack(this.annotator, block), await encodePack(this.annotator, from, entries));
    return this.pack(block);
  }

  private async pack(block: number): Promise<readonly Uint8Array[] | undefined> {
    const key = layout.labelPack(this.annotator, block);
    const bytes = await this.store.get(key);
    return bytes === undefined ? undefined : decodePack(bytes, key, this.annotator, block * PACK_ENTRIES);
  }
}

/** One line of JSON, then the entries, all of it compressed. The same entries give the same bytes. */
async function encodePack(annotator: string, from: number, entries: readonly Uint8Array[]): Promise<Uint8Array> {
  const body = Buffer.concat(entries);
  const header: PackHeader = { annotator, from, sizes: entries.map(({ byteLength }) => byteLength), digest: digestOf(body) };
  return promisify(gzip)(Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`, 'utf8'), body]), { level: 6 });
}

async function decodePack(bytes: Uint8Array, key: string, annotator: string, from: number): Promise<Uint8Array[]> {
  try {
    const content = await promisify(gunzip)(bytes);
    const line = content.indexOf(0x0a);
    const header = JSON.parse(content.subarray(0, line).toString('utf8')) as PackHeader;
    const body = content.subarray(line + 1);
    if (header.annotator !== annotator || header.from !== from || header.sizes.length !== PACK_ENTRIES || header.digest !== digestOf(body)) throw new Error(`a pack of ${header.annotator} from ${header.from} with digest ${header.digest}`);
    let at = 0;
    return header.sizes.map((size) => new Uint8Array(body.subarray(at, (at += size))));
  } catch (cause) {
    throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${PACK_ENTRIES} whole entries of the label log in ${key}, got: ${(cause as Error).message}; restore this object from a copy of the store`, { key }, { cause });
  }
}

function numberOf(key: string | undefined): number {
  return key === undefined ? -1 : Number.parseInt(key.slice(key.lastIndexOf('/') + 1), 10);
}
