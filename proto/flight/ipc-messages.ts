/**
 * Arrow IPC streams taken apart into messages and put together again, byte for byte: an artefact is verified by the
 * digest of its bytes, so moving it as Flight messages must give the same bytes back.
 *
 * A stream is `schema (dictionary | batch)* end`; a message is `FF FF FF FF | int32 length | header | body`, where the
 * header (flatbuffer and zero padding) makes the prefix and itself a multiple of 8 bytes, and the end is
 * `FF FF FF FF 00 00 00 00`. A file may hold several streams one after another. Source: Arrow columnar format, "IPC
 * streaming format". The form before Arrow 0.15 (no FF FF FF FF) is refused.
 */
import { LaurelError } from '../errors.js';

export interface IpcMessage {
  /** Message flatbuffer; from a stream with its zero padding, from a Flight peer maybe without. */
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

export type MessageKind = 'schema' | 'dictionary' | 'batch' | 'other';

const PREFIX_BYTES = 8;
const CONTINUATION = 0xffffffff;
const END_OF_STREAM = Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0);
/** Far above any real header (about 100 bytes for each column): a guard against reading garbage as a length. */
const HEADER_BYTES_MAX = 16 * 1024 * 1024;
const KINDS: readonly MessageKind[] = ['other', 'schema', 'dictionary', 'batch'];

/**
 * All messages of one or more streams, as views. Ends of streams are not listed; every schema begins a new one.
 * @throws LaurelError LAUREL_STORE_CORRUPT where the bytes are not whole streams.
 */
export function splitMessages(bytes: Uint8Array): IpcMessage[] {
  const splitter = new MessageSplitter();
  const messages = splitter.push(bytes);
  splitter.finish();
  return messages;
}

/**
 * The streams of a file, as views that include their ends.
 * @throws LaurelError LAUREL_STORE_CORRUPT
 */
export function splitStreams(bytes: Uint8Array): Uint8Array[] {
  const ends: number[] = [];
  const splitter = new MessageSplitter((end) => ends.push(end));
  splitter.push(bytes);
  splitter.finish();
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/**
 * The schema message of a stream with its prefix: the form in which FlightInfo and GetSchema carry a schema.
 * @throws LaurelError LAUREL_STORE_CORRUPT
 */
export function schemaBytes(bytes: Uint8Array): Uint8Array {
  const [schema] = new MessageSplitter().push(bytes.subarray(0, PREFIX_BYTES + HEADER_BYTES_MAX));
  if (!schema) throw corrupt('a schema message', `${bytes.byteLength} bytes that end within it`);
  return bytes.subarray(0, PREFIX_BYTES + schema.header.byteLength);
}

/** Messages of streams that arrive in pieces of any size (a file read in parts) or as one array. */
export async function* messagesOf(source: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<IpcMessage, void, undefined> {
  const splitter = new MessageSplitter();
  if (source instanceof Uint8Array) yield* splitter.push(source);
  else for await (const piece of source) yield* splitter.push(piece);
  splitter.finish();
}

/** Takes streams apart piece by piece. A message inside one piece is a view of it; one that straddles pieces is copied. */
export class MessageSplitter {
  private pieces: Uint8Array[] = [];
  private pendingBytes = 0;
  /** Bytes that must be there before another try is worth its while. */
  private neededBytes = PREFIX_BYTES;
  private consumedBytes = 0;
  private inStream = false;
  private streams = 0;

  constructor(private readonly onStreamEnd: (offsetBytes: number) => void = () => undefined) {}

  push(piece: Uint8Array): IpcMessage[] {
    if (piece.byteLength === 0) return [];
    this.pieces.push(piece);
    this.pendingBytes += piece.byteLength;
    if (this.pendingBytes < this.neededBytes) return [];
    const bytes = this.pieces.length === 1 ? piece : joinBytes(this.pieces, this.pendingBytes);
    const messages: IpcMessage[] = [];
    let at = 0;
    for (;;) {
      const found = this.next(bytes, at);
      if (typeof found === 'number') {
        this.neededBytes = found;
        break;
      }
      at = found.end;
      if (found.message) messages.push(found.message);
    }
    this.consumedBytes += at;
    this.pendingBytes = bytes.byteLength - at;
    this.pieces = this.pendingBytes === 0 ? [] : [bytes.subarray(at)];
    return messages;
  }

  /** @throws LaurelError LAUREL_STORE_CORRUPT where the bytes so far are not whole streams. */
  finish(): void {
    if (this.pendingBytes > 0) throw corrupt(`a whole message at byte ${this.consumedBytes}`, `${this.pendingBytes} bytes; the stream is truncated`);
    if (this.inStream) throw corrupt('the end-of-stream mark', `the end of the bytes at ${this.consumedBytes}; the stream is truncated`);
    if (this.streams === 0) throw corrupt('an Arrow IPC stream', '0 bytes');
  }

  /** The message at an offset (none at the end of a stream), or the number of bytes that are needed from there. */
  private next(bytes: Uint8Array, at: number): { readonly message?: IpcMessage; readonly end: number } | number {
    const available = bytes.byteLength - at;
    if (available < PREFIX_BYTES) return PREFIX_BYTES;
    const view = viewOf(bytes);
    const offset = this.consumedBytes + at;
    if (view.getUint32(at, true) !== CONTINUATION) throw corrupt(`an Arrow IPC message at byte ${offset}`, 'other bytes');
    const headerBytes = view.getInt32(at + 4, true);
    if (headerBytes === 0) {
      if (!this.inStream) throw corrupt(`a schema at byte ${offset}`, 'an end-of-stream mark');
      this.inStream = false;
      this.streams += 1;
      this.onStreamEnd(offset + PREFIX_BYTES);
      return { end: at + PREFIX_BYTES };
    }
    if (headerBytes < 0 || headerBytes > HEADER_BYTES_MAX || headerBytes % 8 !== 0) throw corrupt(`a header length at byte ${offset + 4} that is a multiple of 8`, String(headerBytes));
    if (available < PREFIX_BYTES + headerBytes) return PREFIX_BYTES + headerBytes;
    const bodyStart = at + PREFIX_BYTES + headerBytes;
    const header = bytes.subarray(at + PREFIX_BYTES, bodyStart);
    const { kind, bodyBytes } = readHeader(header);
    if ((kind === 'schema') === this.inStream) throw corrupt(this.inStream ? `a batch or the end at byte ${offset}` : `a schema at byte ${offset}`, `a message of kind ${kind}`);
    const end = bodyStart + bodyBytes;
    if (end > bytes.byteLength) return end - at;
    this.inStream = true;
    return { message: { header, body: bytes.subarray(bodyStart, end) }, end };
  }
}

/** Puts messages together to the bytes of the streams they came from. */
export class StreamJoiner {
  private readonly parts: Uint8Array[] = [];
  private messages = 0;
  /** Bytes so far, the end of the last stream not counted. */
  bytes = 0;

  /** @throws LaurelError LAUREL_STORE_CORRUPT where the body is not the one that the header announces, or the first message is no schema. */
  push(message: IpcMessage): void {
    const { kind, bodyBytes } = readHeader(message.header);
    if (bodyBytes !== message.body.byteLength) throw corrupt(`a body of ${bodyBytes} bytes`, `${message.body.byteLength}`);
    if (this.messages === 0 && kind !== 'schema') throw corrupt('a schema as the first message', `a message of kind ${kind}`);
    if (this.messages > 0 && kind === 'schema') this.add(END_OF_STREAM);
    this.messages += 1;
    const paddingBytes = -(message.header.byteLength + PREFIX_BYTES) & 7;
    const prefix = new Uint8Array(PREFIX_BYTES).fill(255, 0, 4);
    viewOf(prefix).setInt32(4, message.header.byteLength + paddingBytes, true);
    this.add(prefix);
    this.add(message.header);
    if (paddingBytes > 0) this.add(new Uint8Array(paddingBytes));
    this.add(message.body);
  }

  /** @throws LaurelError LAUREL_STORE_CORRUPT where there was no message. */
  finish(): Uint8Array {
    if (this.messages === 0) throw corrupt('a schema as the first message', 'no message');
    this.add(END_OF_STREAM);
    return joinBytes(this.parts, this.bytes);
  }

  private add(part: Uint8Array): void {
    this.parts.push(part);
    this.bytes += part.byteLength;
  }
}

/** @throws LaurelError LAUREL_STORE_CORRUPT */
export function joinMessages(messages: Iterable<IpcMessage>): Uint8Array {
  const joiner = new StreamJoiner();
  for (const message of messages) joiner.push(message);
  return joiner.finish();
}

/**
 * Kind and body length of a message, read from its flatbuffer (table Message: version, header_type, header, bodyLength).
 * @throws LaurelError LAUREL_STORE_CORRUPT
 */
export function readHeader(header: Uint8Array): { readonly kind: MessageKind; readonly bodyBytes: number } {
  try {
    const view = viewOf(header);
    const table = view.getUint32(0, true);
    const vtable = table - view.getInt32(table, true);
    const vtableBytes = view.getUint16(vtable, true);
    /** Where a field stands, or 0 where it has its default. */
    const fieldAt = (index: number): number => {
      const entry = 4 + 2 * index;
      const offset = entry < vtableBytes ? view.getUint16(vtable + entry, true) : 0;
      return offset === 0 ? 0 : table + offset;
    };
    const kindAt = fieldAt(1);
    const bodyAt = fieldAt(3);
    const bodyBytes = bodyAt === 0 ? 0 : Number(view.getBigInt64(bodyAt, true));
    if (!Number.isSafeInteger(bodyBytes) || bodyBytes < 0) throw new RangeError(`body length ${bodyBytes}`);
    return { kind: KINDS[kindAt === 0 ? 0 : view.getUint8(kindAt)] ?? 'other', bodyBytes };
  } catch (cause) {
    throw corrupt('the flatbuffer of an Arrow message', `${header.byteLength} bytes that are none`, cause);
  }
}

/** One array of its own memory, so that column views of it are aligned. A single part is copied too. */
function joinBytes(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const part of parts) {
    buffer.set(part, at);
    at += part.byteLength;
  }
  return new Uint8Array(buffer.buffer, buffer.byteOffset, bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function corrupt(expected: string, got: string, cause?: unknown): LaurelError {
  return new LaurelError('LAUREL_STORE_CORRUPT', `expected ${expected}, got ${got}; read the artefact from the store, or make it again`, {}, { cause });
}
