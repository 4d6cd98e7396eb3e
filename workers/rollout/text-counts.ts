/**
 * How often each exact text was seen: a hash table over raw bytes that makes no object for a text it counts. One for
 * each environment, cleared when its episode ends, so it holds at most the texts of one episode.
 */
const SLOTS_MIN = 256;
const ENTRIES_MIN = 128;
const ARENA_BYTES_MIN = 8192;

export class TextCounts {
  /** Entry number + 1 by slot; 0: free. A power of two long, at most half full. */
  private slots = new Int32Array(SLOTS_MIN);
  private hashes = new Int32Array(ENTRIES_MIN);
  /** Entry i has the bytes ends[i - 1] .. ends[i] of the arena. */
  private ends = new Int32Array(ENTRIES_MIN);
  private counts = new Int32Array(ENTRIES_MIN);
  private arena = new Uint8Array(ARENA_BYTES_MIN);
  private entries = 0;

  /** Distinct texts. */
  get size(): number {
    return this.entries;
  }

  /** Counts one more sight of `text` and gives how often it was seen, this time included. */
  add(text: Uint8Array): number {
    const hash = hashOfBytes(text);
    const mask = this.slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = (this.slots[slot] as number) - 1;
      if (entry < 0) break;
      if (this.hashes[entry] === hash && this.holds(entry, text)) return this.increment(entry);
      slot = (slot + 1) & mask;
    }
    this.append(text, hash);
    this.slots[slot] = this.entries;
    if (this.entries * 2 > this.slots.length) this.growSlots();
    return 1;
  }

  /** Bytes of the text that was seen as the `entry`-th distinct one; a view, valid until the next `add` or `clear`. */
  text(entry: number): Uint8Array {
    return this.arena.subarray(this.startOf(entry), this.ends[entry]);
  }

  count(entry: number): number {
    return this.counts[entry] as number;
  }

  clear(): void {
    this.slots.fill(0);
    this.entries = 0;
  }

  private increment(entry: number): number {
    const count = (this.counts[entry] as number) + 1;
    this.counts[entry] = count;
    return count;
  }

  private startOf(entry: number): number {
    return entry === 0 ? 0 : (this.ends[entry - 1] as number);
  }

  private holds(entry: number, text: Uint8Array): boolean {
    const start = this.startOf(entry);
    if ((this.ends[entry] as number) - start !== text.length) return false;
    for (let index = 0; index < text.length; index++) {
      if (this.arena[start + index] !== text[index]) return false;
    }
    return true;
  }

  private append(text: Uint8Array, hash: number): void {
    if (this.entries === this.hashes.length) {
      this.hashes = doubled(this.hashes);
      this.ends = doubled(this.ends);
      this.counts = doubled(this.counts);
    }
    const start = this.entries === 0 ? 0 : (this.ends[this.entries - 1] as number);
    while (start + text.length > this.arena.length) {
      const larger = new Uint8Array(this.arena.length * 2);
      larger.set(this.arena);
      this.arena = larger;
    }
    this.arena.set(text, start);
    this.hashes[this.entries] = hash;
    this.ends[this.entries] = start + text.length;
    this.counts[this.entries] = 1;
    this.entries++;
  }

  private growSlots(): void {
    this.slots = new Int32Array(this.slots.length * 2);
    const mask = this.slots.length - 1;
    for (let entry = 0; entry < this.entries; entry++) {
      let slot = (this.hashes[entry] as number) & mask;
      while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
      this.slots[slot] = entry + 1;
    }
  }
}

function doubled(values: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(values.length * 2);
  larger.set(values);
  return larger;
}

/** FNV-1a, 32 bits, with the high bits folded into the low ones that pick the slot. */
function hashOfBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}
