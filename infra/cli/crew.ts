/** The workers of this machine as a command sees them: started together, watched, ended together. */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import type { Pool } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { ServerTarget } from '../devserver/connection.js';
import { compiledPath, stateFolder, storeRoot } from '../folders.js';
import { formatDuration } from '../screen/format.js';
import type { WorkersView } from '../screen/view.js';
import { planWorkers } from '../supervisor/plan.js';
import { Supervisor, type WorkerEvent } from '../supervisor/supervisor.js';

export class Crew {
  private readonly supervisor: Supervisor;
  private readonly states = new Map<string, 'starting' | 'ready' | 'down'>();

  constructor(target: ServerTarget, private readonly onEvent: (text: string) => void, pools?: readonly Pool[]) {
    const workers = planWorkers(cpus().length, pools);
    for (const worker of workers) this.states.set(worker.name, 'starting');
    this.supervisor = new Supervisor({
      workers,
      script: workerScript(),
      variables: workerVariables(target),
      logs: join(stateFolder(), 'logs'),
      onEvent: (event) => this.take(event),
    });
  }

  start(): void {
    this.supervisor.start();
  }

  stop(): Promise<void> {
    return this.supervisor.stop();
  }

  kill(): void {
    this.supervisor.kill();
  }

  view(): WorkersView {
    const names = [...this.states.entries()];
    return { total: names.length, ready: names.filter(([, state]) => state === 'ready').length, down: names.filter(([, state]) => state === 'down').map(([name]) => name) };
  }

  private take(event: WorkerEvent): void {
    if (event.kind === 'started') this.states.set(event.worker, 'starting');
    if (event.kind === 'ready') this.states.set(event.worker, 'ready');
    if (event.kind === 'died') this.states.set(event.worker, 'down');
    const text = describeEvent(event);
    if (text !== undefined) this.onEvent(text);
  }
}

/** What a person should hear of an event; undefined where it is as it should be. */
export function describeEvent(event: WorkerEvent): string | undefined {
  switch (event.kind) {
    case 'started':
      return event.restarts === 0 ? undefined : `worker ${event.worker} started again (pid ${event.pid})`;
    case 'ready':
      return undefined;
    case 'died':
      return `worker ${event.worker} died (${event.why}), next start in ${event.retryInMs < 1000 ? `${event.retryInMs} ms` : formatDuration(event.retryInMs)}; log ${event.logPath}${event.logEnd === '' ? '' : `: ${messageOf(event.logEnd)}`}`;
    case 'stopped':
      return event.forced ? `worker ${event.worker} did not end by itself and was killed` : undefined;
    default: {
      const never: never = event;
      throw new TypeError(`unknown event ${JSON.stringify(never)}`);
    }
  }
}

/** Workers log JSON; a person wants its message. */
function messageOf(line: string): string {
  try {
    const parsed = JSON.parse(line) as { msg?: unknown; err?: { message?: unknown } };
    const parts = [parsed.msg, parsed.err?.message].filter((part): part is string => typeof part === 'string');
    if (parts.length > 0) return [...new Set(parts)].join(': ').slice(0, 300);
  } catch {
    // Not JSON: the line itself.
  }
  return line.slice(0, 300);
}

export function workerScript(): string {
  const script = compiledPath('workers/main.ts');
  if (!existsSync(script)) throw new LaurelError('LAUREL_WORKER_FAILED', `expected the compiled workers at ${script}, found nothing; run \`npm run build\``, { script });
  return script;
}

/** The environment of a worker: ours, the way to the server, and the folders as absolute paths. */
export function workerVariables(target: ServerTarget): Record<string, string | undefined> {
  return { ...process.env, ...target.variables, LAUREL_STATE: stateFolder(), LAUREL_STORE: storeRoot() };
}
