/** ONNX models as protobuf bytes (onnx.proto3, IR version 8), written by hand: no schema at run time, deterministic bytes. */
export const ONNX_TYPES = { float32: 1, uint8: 2, int8: 3, int16: 5, int32: 6, int64: 7, bool: 9 } as const;
export type ElementType = keyof typeof ONNX_TYPES;

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] };

export interface EncodedNode {
  readonly type: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}
export interface EncodedValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}
export interface EncodedInitializer extends EncodedValue {
  readonly shape: readonly number[];
  /** Raw little-endian bytes. */
  readonly data: Uint8Array;
}
export interface EncodedModel {
  readonly name: string;
  readonly nodes: readonly EncodedNode[];
  readonly inputs: readonly EncodedValue[];
  readonly outputs: readonly EncodedValue[];
  readonly initializers: readonly EncodedInitializer[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly doc?: string;
}

const IR_VERSION = 8;
const OPSET = 17;

class Writer {
  private chunks: Uint8Array[] = [];
  private bytes = 0;

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bytes += chunk.byteLength;
  }
  varint(value: number | bigint): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    const out: number[] = [];
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      out.push(rest > 0n ? low | 0x80 : low);
    } while (rest > 0n);
    this.push(Uint8Array.from(out));
  }
  int(field: number, value: number): void {
    this.varint((field << 3) | 0);
    this.varint(value);
  }
  float(field: number, value: number): void {
    this.varint((field << 3) | 5);
    this.push(new Uint8Array(new Float32Array([value]).buffer));
  }
  raw(field: number, value: Uint8Array): void {
    this.varint((field << 3) | 2);
    this.varint(value.byteLength);
    this.push(value);
  }
  text(field: number, value: string): void {
    this.raw(field, Buffer.from(value, 'utf8'));
  }
  message(field: number, write: (inner: Writer) => void): void {
    const inner = new Writer();
    write(inner);
    this.raw(field, inner.finish());
  }
  finish(): Uint8Array {
    const out = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.chunks) {
      out.set(chunk, at);
      at += chunk.byteLength;
    }
    return out;
  }
}

export function encodeModel(model: EncodedModel): Uint8Array {
  const writer = new Writer();
  writer.int(1, IR_VERSION);
  writer.text(2, 'laurel');
  if (model.doc !== undefined) writer.text(6, model.doc);
  writer.message(7, (graph) => {
    for (const node of model.nodes) graph.message(1, (inner) => encodeNode(inner, node));
    graph.text(2, model.name);
    for (const initializer of model.initializers) graph.message(5, (inner) => encodeTensor(inner, initializer));
    for (const input of model.inputs) graph.message(11, (inner) => encodeValue(inner, input));
    for (const output of model.outputs) graph.message(12, (inner) => encodeValue(inner, output));
  });
  writer.message(8, (opset) => {
    opset.text(1, '');
    opset.int(2, OPSET);
  });
  writer.message(8, (opset) => {
    opset.text(1, 'com.microsoft');
    opset.int(2, 1);
  });
  for (const [key, value] of Object.entries(model.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    writer.message(14, (entry) => {
      entry.text(1, key);
      entry.text(2, value);
    });
  }
  return writer.finish();
}

function encodeNode(writer: Writer, node: EncodedNode): void {
  for (const input of node.inputs) writer.text(1, input);
  for (const output of node.outputs) writer.text(2, output);
  writer.text(4, node.type);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    writer.message(5, (inner) => {
      inner.text(1, name);
      if ('int' in attribute) {
        inner.int(3, attribute.int);
        inner.int(20, 2);
      } else if ('float' in attribute) {
        inner.float(2, attribute.float);
        inner.int(20, 1);
      } else if ('string' in attribute) {
        inner.text(4, attribute.string);
        inner.int(20, 3);
      } else if ('ints' in attribute) {
        for (const value of attribute.ints) inner.int(8, value);
        inner.int(20, 7);
      } else {
        for (const value of attribute.floats) inner.float(7, value);
        inner.int(20, 6);
      }
    });
  }
  if (node.domain !== undefined) writer.text(7, node.domain);
}

function encodeTensor(writer: Writer, tensor: EncodedInitializer): void {
  for (const size of tensor.shape) writer.int(1, size);
  writer.int(2, ONNX_TYPES[tensor.type]);
  writer.text(8, tensor.name);
  writer.raw(9, tensor.data);
}

function encodeValue(writer: Writer, value: EncodedValue): void {
  writer.text(1, value.name);
  writer.message(2, (type) =>
    type.message(1, (tensor) => {
      tensor.int(1, ONNX_TYPES[value.type]);
      tensor.message(2, (shape) => {
        for (const size of value.shape) shape.message(1, (dimension) => (typeof size === 'number' ? dimension.int(1, size) : dimension.text(2, size)));
      });
    }),
  );
}
