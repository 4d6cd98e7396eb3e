/** Where two Arrow files differ, for a person. */
import { tableToIPC, type Table } from 'apache-arrow';
import { readTables } from '../../proto/flight/tables.js';

/** The first column and row in which the tables differ; where they cannot be read, why. */
export function tableDifference(stored: Uint8Array, made: Uint8Array): string {
  let tables: { stored: Table[]; made: Table[] };
  try {
    tables = { stored: readTables(stored), made: readTables(made) };
  } catch (error) {
    return `the stored bytes cannot be read: ${(error as Error).message}`;
  }
  for (const [index, one] of tables.stored.entries()) {
    const other = tables.made[index];
    if (!other) return `the stored file has ${tables.stored.length} tables, made again it has ${tables.made.length}`;
    for (const { name } of one.schema.fields) {
      const [a, b] = [one.getChild(name), other.getChild(name)];
      if (!b) return `the column ${name} is not there when it is made again`;
      if (a && Buffer.compare(tableToIPC(one.select([name])), tableToIPC(other.select([name]))) === 0) continue;
      for (let row = 0; row < one.numRows; row++) {
        const [was, is] = [JSON.stringify(a?.get(row), plain), JSON.stringify(b.get(row), plain)];
        if (was !== is) return `column ${name}, row ${row}: stored ${shortened(was)}, made again ${shortened(is)}`;
      }
    }
  }
  return 'the values are the same, the bytes around them differ';
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value;
}

function shortened(text: string | undefined): string {
  return (text ?? 'nothing').slice(0, 80);
}
