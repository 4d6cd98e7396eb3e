/** Reads back what `encodeModel` wrote beside the graph: metadata and initializers. */
import { LaurelError } from '../../../proto/errors.js';

export interface DecodedModel {
  readonly metadata: Readonly<Record<string, string>>;
  /** Values of the f32 initializers by name. */
  readonly initializers: Readonly<Record<string, Float32Array>>;
}

/** Numbers of the fields of onnx.proto3 that are read here. */
const FIELD = { modelGraph: 7, modelMetadata: 14, graphInitializer: 5, tensorType: 2, tensorName: 8, tensorRaw: 9, entryKey: 1, entryValue: 2 } as const;
const FLOAT = 1;

/** @throws LaurelError LAUREL_MODEL_INVALID where the bytes are no protobuf message */
export function decodeModel(bytes: Uint8Array): DecodedModel {
  const metadata: Record<string, string> = {};
  const initializers: Record<string, Float32Array> = {};
  for (const { field, value } of fields(bytes)) {
    if (typeof value === 'number') continue;
    if (field === FIELD.modelMetadata) {
      const entry = new Map([...fields(value)].map((one) => [one.field, textOf(one.value)]));
      metadata[entry.get(FIELD.entryKey) ?? ''] = entry.get(FIELD.entryValue) ?? '';
    }
    if (field !== FIELD.modelGraph) continue;
    for (const part of fields(value)) {
      if (part.field !== FIELD.graphInitializer || typeof part.value === 'number') continue;
      const tensor = new Map([...fields(part.value)].map((one) => [one.field, one.value]));
      const raw = tensor.get(FIELD.tensorRaw);
      if (tensor.get(FIELD.tensorType) === FLOAT && raw instanceof Uint8Array) initializers[textOf(tensor.get(FIELD.tensorName) ?? '')] = new Float32Array(new Uint8Array(raw).buffer);
    }
  }
  return { metadata, initializers };
}

function textOf(value: number | string | Uint8Array): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value);
}

/** The fields of one message: numbers (varint) and bytes; fixed-width fields are passed over. */
function* fields(bytes: Uint8Array): Generator<{ field: number; value: number | Uint8Array }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 2 ** 63) throw new LaurelError('LAUREL_MODEL_INVALID', `expected an ONNX model, its bytes end or break off at ${at}`);
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.byteLength) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { field, value: varint() };
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        if (at + length > bytes.byteLength) throw new LaurelError('LAUREL_MODEL_INVALID', `expected ${length} bytes at ${at} of an ONNX model, got ${bytes.byteLength - at}`);
        yield { field, value: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new LaurelError('LAUREL_MODEL_INVALID', `expected a field of an ONNX model at ${at}, got wire type ${tag % 8}`);
    }
  }
}
