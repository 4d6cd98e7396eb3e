/** Which run a start means: a new one, the one that is still open, or one that is over. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is known of a run id. */
export interface RunFacts {
  /** State of the workflow with this id on the server; undefined: the server knows none. */
  readonly workflow: 'open' | 'closed' | undefined;
  /** How a closed one ended, as Temporal says it: COMPLETED, FAILED, TERMINATED, ... */
  readonly ended: string | undefined;
  /** The store has a run of this name. */
  readonly stored: boolean;
  /** The store has its summary: it is over. */
  readonly summarised: boolean;
}

export type RunChoice =
  | { readonly kind: 'new'; readonly run: string; readonly supersedes: string | undefined }
  | { readonly kind: 'continue'; readonly run: string }
  | { readonly kind: 'finished'; readonly run: string }
  /** Ended without a summary, or known to the store only: it can neither go on nor begin again under this id. */
  | { readonly kind: 'closed'; readonly run: string; readonly why: string };

export interface RunWish {
  /** Id asked for, else the id of the last start of this job, else the job's name. */
  readonly run: string;
  readonly jobName: string;
  readonly fresh: boolean;
}

const SUFFIX_MAX = 10_000;

/** `facts` is asked for each id that is looked at. */
export async function chooseRun(wish: RunWish, facts: (run: string) => Promise<RunFacts>): Promise<RunChoice> {
  const { run } = wish;
  const found = await facts(run);
  const unused = (one: RunFacts): boolean => one.workflow === undefined && !one.stored;
  if (!wish.fresh) {
    if (unused(found)) return { kind: 'new', run, supersedes: undefined };
    if (found.workflow === 'open') return { kind: 'continue', run };
    if (found.summarised) return { kind: 'finished', run };
    const why = found.workflow === 'closed' ? `it ended as ${found.ended ?? 'unknown'} without a summary` : 'the store holds it, but this server does not know it';
    return { kind: 'closed', run, why };
  }
  const supersedes = found.workflow === 'open' ? run : undefined;
  const base = wish.jobName;
  for (let number = 1; number < SUFFIX_MAX; number++) {
    const candidate = number === 1 ? base : `${base}-${number}`;
    if (unused(await facts(candidate))) return { kind: 'new', run: candidate, supersedes };
  }
  throw new Error(`expected a free run id among ${base}-2 to ${base}-${SUFFIX_MAX}, found none; remove old runs from the store or give another name`);
}

/** The id of the last run of each job, kept in the state folder. */
export class RunMemory {
  private readonly path: string;

  constructor(state: string) {
    this.path = join(state, 'runs.json');
  }

  async last(jobName: string): Promise<string | undefined> {
    return (await this.read())[jobName];
  }

  async remember(jobName: string, run: string): Promise<void> {
    const all = { ...(await this.read()), [jobName]: run };
    await mkdir(join(this.path, '..'), { recursive: true });
    const temporary = `${this.path}.${process.pid}`;
    await writeFile(temporary, `${JSON.stringify(all, null, 2)}\n`);
    await rename(temporary, this.path);
  }

  private async read(): Promise<Record<string, string>> {
    try {
      const parsed: unknown = JSON.parse(await readFile(this.path, 'utf8'));
      const entries = Object.entries((parsed ?? {}) as Record<string, unknown>);
      return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
    } catch {
      return {}; // No memory: the job's own name is the id, and the server says whether it is open.
    }
  }
}
