/** Parameters of one version as an Arrow table, for whoever acts with them. */
import { binary, binaryColumn, readTable, tableBytes, utf8, utf8Column } from '../../proto/flight/tables.js';
import { checkTable, POLICY_COLUMNS as C, tableMetadata } from '../../proto/schemas.js';

export interface PolicyTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface PolicyBody {
  readonly run: string;
  readonly version: number;
}

export function encodePolicy(tensors: readonly PolicyTensor[], body: PolicyBody): Uint8Array {
  return tableBytes(
    [
      utf8(C.name, tensors.map(({ name }) => name)),
      utf8(C.shape, tensors.map(({ shape }) => JSON.stringify(shape))),
      binary(C.data, tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))),
    ],
    { metadata: tableMetadata('policy', body) },
  );
}

/** @throws LaurelError LAUREL_SCHEMA_MISMATCH, LAUREL_STORE_CORRUPT */
export function decodePolicy(bytes: Uint8Array): PolicyTensor[] {
  const table = readTable(bytes);
  checkTable<PolicyBody>(table, 'policy', Object.values(C));
  const data = binaryColumn(table, C.data);
  const shapes = utf8Column(table, C.shape);
  // Copies: rows of a binary column need not be aligned to four bytes.
  return utf8Column(table, C.name).map((name, row) => ({ name, shape: JSON.parse(shapes[row] as string) as number[], data: new Float32Array(new Uint8Array(data.at(row)).buffer) }));
}
