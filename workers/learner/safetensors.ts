/**
 * The safetensors format: 8 bytes of header length (little endian), a JSON header, then the data. Names are sorted, so
 * equal tensors give equal bytes.
 */
import { LaurelError } from '../../proto/errors.js';

export interface NamedTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export interface SafeTensors {
  readonly tensors: Readonly<Record<string, NamedTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const ALIGNMENT = 8;
const HEADER_BYTES_MAX = 100 * 1024 * 1024;

export function encodeSafeTensors({ tensors, metadata }: SafeTensors): Uint8Array {
  const names = Object.keys(tensors).sort();
  const header: Record<string, unknown> = { __metadata__: Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))) };
  let end = 0;
  for (const name of names) {
    const { shape, data } = tensors[name] as NamedTensor;
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil(json.byteLength / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(8 + padded + end).fill(0x20, 8, 8 + padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  let at = 8 + padded;
  for (const name of names) {
    const { data } = tensors[name] as NamedTensor;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/** @throws LaurelError LAUREL_STORE_CORRUPT */
export function decodeSafeTensors(bytes: Uint8Array): SafeTensors {
  const corrupt = (what: string, cause?: unknown): LaurelError => new LaurelError('LAUREL_STORE_CORRUPT', `expected a safetensors file, ${what}`, {}, { cause });
  if (bytes.byteLength < 8) throw corrupt(`got ${bytes.byteLength} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > HEADER_BYTES_MAX || 8 + length > bytes.byteLength) throw corrupt(`its header would have ${length} bytes of ${bytes.byteLength}`);
  let header: Record<string, HeaderEntry> & { __metadata__?: Record<string, string> };
  try {
    header = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString('utf8')) as typeof header;
  } catch (cause) {
    throw corrupt('its header is no JSON', cause);
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors: Record<string, NamedTensor> = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(entries as Record<string, HeaderEntry>)) {
    const size = shape.reduce((product, one) => product * one, 1);
    if (dtype !== 'F32' || to - from !== size * 4 || 8 + length + to > bytes.byteLength) throw corrupt(`the tensor ${name} has type ${dtype}, shape [${shape.join()}] and ${to - from} bytes`);
    // A copy: the data need not be aligned within the file. (slice would not copy where the bytes are a Buffer.)
    tensors[name] = { shape, data: new Float32Array(new Uint8Array(bytes.subarray(8 + length + from, 8 + length + to)).buffer) };
  }
  return { tensors, metadata };
}
