/** Machines of an objective whose state the policy sees: the environment becomes its product with them. */
import { checkExpression } from './expression/check.js';
import type { Job } from './job.js';
import type { ObjectiveOf } from './reward-specifications.js';

export type ShownMachine = ObjectiveOf<'machine'> | ObjectiveOf<'ltl'>;
/** By the name of the source. */
export type ShownMachines = Readonly<Record<string, ShownMachine>>;

/** Name of the observation that shows the state of a source's machine. */
export const shownObservation = (source: string): string => `machine_${source}`;

export function shownMachines(job: Pick<Job, 'sources'>): ShownMachines {
  return Object.fromEntries(
    Object.entries(job.sources).flatMap(([name, spec]): [string, ShownMachine][] => {
      if (spec.kind !== 'spec' || !spec.show) return [];
      const { objective } = spec;
      return objective.kind === 'machine' || objective.kind === 'ltl' ? [[name, objective]] : [];
    }),
  );
}

/** What is known in the moment of a step, before anything of it is stored. */
const KNOWN = ['text', 'env', 'position'];

/** Why the machine cannot be shown; undefined: it can. */
export function showFault(objective: { readonly kind: string }): string | undefined {
  if (objective.kind !== 'machine' && objective.kind !== 'ltl') return `expected a machine or a formula where the state is shown, got ${objective.kind}: it has none`;
  for (const [name, source] of Object.entries((objective as ShownMachine).propositions)) {
    let unknown: string | undefined;
    try {
      const { reads, numbers } = checkExpression(source);
      unknown = [...reads, ...numbers].find((one) => !KNOWN.includes(one));
    } catch {
      // An expression that is wrong is told of where it is checked.
    }
    if (unknown !== undefined) return `expected the proposition ${name} to ask for ${KNOWN.join(', ')} alone where the state is shown, it asks for ${unknown}`;
  }
  return undefined;
}
