/**
 * Codec of FlightData, the one message that carries bulk. Decoding gives views into the received bytes, and the
 * body can be sent from where it lies (`encodeHead`); a generated codec would copy `data_body` on both sides.
 */

/** How a data set is named: by a path, or by a command that only the server reads. */
export type FlightDescriptor = { readonly kind: 'path'; readonly path: readonly string[] } | { readonly kind: 'command'; readonly command: Uint8Array };

export interface FlightData {
  /** First message of a DoPut only. */
  readonly descriptor?: FlightDescriptor | undefined;
  /** IPC message (flatbuffer) without its 8-byte prefix; trailing zero padding is allowed. Empty: a message without data. */
  readonly header: Uint8Array;
  /** Body buffers of the IPC message. */
  readonly body: Uint8Array;
  readonly appMetadata?: Uint8Array | undefined;
}

const EMPTY: Uint8Array = new Uint8Array(0);
const LENGTH_DELIMITED = 2;
/** Field numbers of FlightData and FlightDescriptor. */
const FIELD = { descriptor: 1, header: 2, appMetadata: 3, body: 1000 } as const;
const DESCRIPTOR_FIELD = { type: 1, command: 2, path: 3 } as const;
const DESCRIPTOR_TYPE = { path: 1, command: 2 } as const;

export function encodeFlightData(data: FlightData): Buffer {
  return Buffer.concat([encodeHead(data), data.body]);
}

/**
 * All of the message but the body, which stands last on the wire: body bytes that follow make it whole.
 * @param reservedBytes left free at the start, for a prefix of the caller.
 */
export function encodeHead(data: FlightData, reservedBytes = 0): Buffer {
  const fields: [number, Uint8Array][] = [];
  if (data.descriptor) fields.push([FIELD.descriptor, encodeDescriptor(data.descriptor)]);
  if (data.header.byteLength > 0) fields.push([FIELD.header, data.header]);
  if (data.appMetadata && data.appMetadata.byteLength > 0) fields.push([FIELD.appMetadata, data.appMetadata]);
  const bodyBytes = data.body.byteLength;
  const tag = (FIELD.body << 3) | LENGTH_DELIMITED;
  const sizeOfBodyHead = bodyBytes === 0 ? 0 : varintSize(tag) + varintSize(bodyBytes);
  const head = Buffer.allocUnsafe(reservedBytes + fieldsSize(fields) + sizeOfBodyHead);
  const at = writeFields(head, reservedBytes, fields);
  if (bodyBytes > 0) writeVarint(head, writeVarint(head, at, tag), bodyBytes);
  return head;
}

/** @throws RangeError where the bytes end inside a field. */
export function decodeFlightData(bytes: Uint8Array): FlightData {
  let descriptor: FlightDescriptor | undefined;
  let header = EMPTY;
  let body = EMPTY;
  let appMetadata: Uint8Array | undefined;
  for (const { field, value } of fieldsOf(bytes)) {
    if (typeof value === 'number') continue;
    if (field === FIELD.descriptor) descriptor = decodeDescriptor(value);
    else if (field === FIELD.header) header = value;
    else if (field === FIELD.appMetadata) appMetadata = value;
    else if (field === FIELD.body) body = value;
  }
  return { descriptor, header, body, appMetadata };
}

function encodeDescriptor(descriptor: FlightDescriptor): Buffer {
  if (descriptor.kind === 'command') {
    return Buffer.concat([Buffer.of(DESCRIPTOR_FIELD.type << 3, DESCRIPTOR_TYPE.command), encodeFields([[DESCRIPTOR_FIELD.command, descriptor.command]])]);
  }
  const parts = descriptor.path.map((part): [number, Uint8Array] => [DESCRIPTOR_FIELD.path, Buffer.from(part, 'utf8')]);
  return Buffer.concat([Buffer.of(DESCRIPTOR_FIELD.type << 3, DESCRIPTOR_TYPE.path), encodeFields(parts)]);
}

function decodeDescriptor(bytes: Uint8Array): FlightDescriptor {
  const path: string[] = [];
  let command = EMPTY;
  let type = 0;
  for (const { field, value } of fieldsOf(bytes)) {
    if (typeof value === 'number') {
      if (field === DESCRIPTOR_FIELD.type) type = value;
    } else if (field === DESCRIPTOR_FIELD.command) command = value;
    else if (field === DESCRIPTOR_FIELD.path) path.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'));
  }
  return type === DESCRIPTOR_TYPE.command ? { kind: 'command', command } : { kind: 'path', path };
}

type LengthDelimited = readonly (readonly [field: number, value: Uint8Array])[];

function encodeFields(fields: LengthDelimited): Buffer {
  const buffer = Buffer.allocUnsafe(fieldsSize(fields));
  writeFields(buffer, 0, fields);
  return buffer;
}

function fieldsSize(fields: LengthDelimited): number {
  let size = 0;
  for (const [field, value] of fields) size += varintSize((field << 3) | LENGTH_DELIMITED) + varintSize(value.byteLength) + value.byteLength;
  return size;
}

/** Writes the fields in the order given. Returns where the next byte belongs. */
function writeFields(buffer: Buffer, offset: number, fields: LengthDelimited): number {
  let at = offset;
  for (const [field, value] of fields) {
    at = writeVarint(buffer, at, (field << 3) | LENGTH_DELIMITED);
    at = writeVarint(buffer, at, value.byteLength);
    buffer.set(value, at);
    at += value.byteLength;
  }
  return at;
}

/** The fields of a message: bytes where they are length-delimited, else a number (fixed-width values read as 0). */
function* fieldsOf(bytes: Uint8Array): Generator<{ readonly field: number; readonly value: Uint8Array | number }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at];
      if (byte === undefined || scale > 2 ** 63) throw truncated(bytes);
      at += 1;
      // Numbers above 2^53 lose bits; no length or enum is that large, and such fields are not read.
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.byteLength - at) throw truncated(bytes);
    const view = bytes.subarray(at, at + length);
    at += length;
    return view;
  };
  while (at < bytes.byteLength) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === LENGTH_DELIMITED) yield { field, value: take(varint()) };
    else if (wireType === 0) yield { field, value: varint() };
    else if (wireType === 1 || wireType === 5) {
      take(wireType === 1 ? 8 : 4);
      yield { field, value: 0 };
    } else throw new RangeError(`expected a protobuf field, got wire type ${wireType}`);
  }
}

function truncated(bytes: Uint8Array): RangeError {
  return new RangeError(`expected a whole protobuf message, got ${bytes.byteLength} bytes that end inside a field`);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function writeVarint(buffer: Buffer, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 128) {
    buffer[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  buffer[at++] = rest;
  return at;
}
