/** Tables whose numbers stand in the job. */
import { LaurelError } from '../../../proto/errors.js';
import type { DataSpecOf } from '../../../proto/preference-data.js';
import type { Dataset } from '../dataset.js';

/** @throws LaurelError LAUREL_JOB_INVALID where columns differ in length or a relation names a unit that is not there */
export function makeInline({ tables }: DataSpecOf<'inline'>): Record<string, Dataset> {
  return Object.fromEntries(
    Object.entries(tables).map(([name, { columns, pairs, lists }]): [string, Dataset] => {
      const rows = Object.values(columns)[0]?.length ?? 0;
      const odd = Object.entries(columns).find(([, values]) => values.length !== rows);
      if (odd) throw new LaurelError('LAUREL_JOB_INVALID', `expected ${rows} numbers in column ${odd[0]} of the table ${name} as in the first column, got ${odd[1].length}`);
      const beyond = [...(pairs ?? []).flat(), ...(lists ?? []).map(([start, size]) => start + size - 1)].find((row) => row >= rows);
      if (beyond !== undefined) throw new LaurelError('LAUREL_JOB_INVALID', `expected units below ${rows} in the relations of the table ${name}, got ${beyond}`);
      return [
        name,
        {
          rows,
          units: Object.fromEntries(Object.entries(columns).map(([column, values]) => [column, { width: 1, values: Float32Array.from(values) }])),
          pairs: pairs ? { count: pairs.length, first: Int32Array.from(pairs, ([a]) => a), second: Int32Array.from(pairs, ([, b]) => b), label: new Float32Array(pairs.length).fill(1), columns: {} } : null,
          lists: lists ? { start: Int32Array.from(lists, ([start]) => start), size: Int32Array.from(lists, ([, size]) => size) } : null,
          facts: {},
        },
      ];
    }),
  );
}
