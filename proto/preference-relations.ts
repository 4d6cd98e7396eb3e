/** Relations over the units of a table, and which units it has, as far as the job says it. */
import type { DataSpec } from './preference-data.js';
import type { ModelJob } from './preference-job.js';

/** Tables of workloads whose units are not compared in pairs. */
const WITHOUT_PAIRS: Partial<Readonly<Record<DataSpec['kind'], readonly string[]>>> = {
  attributes: ['ratings'],
  behaviours: ['triplets'],
  lists: ['lists', 'pools'],
  proxies: ['policy'],
  pictures: ['states'],
};

/** A table that was made from another has pairs where that one has. */
export function tableHasPairs(job: ModelJob, table: string): boolean {
  const curate = job.curate[table];
  if (curate !== undefined) return tableHasPairs(job, curate.from);
  if (job.data.kind === 'inline') return (job.data.tables[table]?.pairs?.length ?? 0) > 0;
  return !(WITHOUT_PAIRS[job.data.kind] ?? []).includes(table);
}

/** What tells a unit from others: all its numbers. Only of tables that stand in the job; others are drawn apart. */
export function unitKeys(job: ModelJob, table: string): ReadonlySet<string> {
  const columns = job.data.kind === 'inline' ? job.data.tables[table]?.columns : undefined;
  const names = Object.keys(columns ?? {}).sort();
  const rows = Math.max(0, ...names.map((name) => columns?.[name]?.length ?? 0));
  return new Set(Array.from({ length: rows }, (_, row) => JSON.stringify(names.map((name) => [name, columns?.[name]?.[row] ?? null]))));
}
