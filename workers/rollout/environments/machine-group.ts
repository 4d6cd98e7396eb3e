/**
 * The product of environments with the machines of a job's objectives: what happened in an episode so far, as far as an
 * objective asks for it, is one more observation. The machines step with the environments, so a replay rebuilds them too.
 */
import { shownObservation, type ShownMachine, type ShownMachines } from '../../../proto/shown-machines.js';
import { decodeText } from '../../annotator/prompts/message-text.js';
import { compileExpression, type CompiledExpression, type Scope } from '../../reward/programs/expression.js';
import { ProgramFault } from '../../reward/programs/fault.js';
import { formulaMachine, givenMachine, type RewardMachine } from '../../reward/specifications/machine.js';
import type { EnvironmentGroup, EpisodeSeed, ObservationBuffer, Spaces, StepOutcome } from './environment.js';

export interface CompiledMachine {
  readonly observation: string;
  readonly machine: RewardMachine;
  readonly propositions: readonly (readonly [string, CompiledExpression])[];
}

/** @throws LaurelError LAUREL_PROGRAM_INVALID */
export function machinesOf(shows: ShownMachines): CompiledMachine[] {
  return Object.entries(shows).map(([source, spec]) => {
    const propositions = Object.entries(spec.propositions).map(([name, text]) => [name, compileExpression(text)] as const);
    return { observation: shownObservation(source), machine: machineOf(spec, Object.keys(spec.propositions)), propositions };
  });
}

function machineOf(spec: ShownMachine, names: readonly string[]): RewardMachine {
  return spec.kind === 'machine' ? givenMachine(spec, names) : formulaMachine(spec, names);
}

/** A state is shown as its number plus one: a formula has a state -1, before the first step. */
const shown = (state: number): number => state + 1;

export function withMachines(spaces: Spaces, machines: readonly CompiledMachine[]): Spaces {
  if (machines.length === 0) return spaces;
  const added = machines.map(({ observation, machine }) => [observation, { type: 'int16', shape: [1], kind: 'glyphs', vocabulary: shown(machine.states) }] as const);
  return { ...spaces, observations: { ...spaces.observations, ...Object.fromEntries(added) } };
}

export class MachineGroup implements EnvironmentGroup {
  readonly spaces: Spaces;
  readonly size: number;
  readonly deterministic: boolean;
  readonly observations: Readonly<Record<string, ObservationBuffer>>;
  private readonly rows: readonly Int16Array[];
  private readonly positions: Int32Array;
  private readonly all: readonly number[];

  constructor(
    private readonly inner: EnvironmentGroup,
    private readonly machines: readonly CompiledMachine[],
  ) {
    this.spaces = withMachines(inner.spaces, machines);
    this.size = inner.size;
    this.deterministic = inner.deterministic;
    this.rows = machines.map(() => new Int16Array(inner.size));
    this.positions = new Int32Array(inner.size);
    this.all = Array.from({ length: inner.size }, (_, index) => index);
    this.observations = { ...inner.observations, ...Object.fromEntries(machines.map(({ observation }, at) => [observation, this.rows[at] as Int16Array])) };
  }

  reset(index: number, seed: EpisodeSeed): void | Promise<void> {
    this.positions[index] = 0;
    this.machines.forEach(({ machine }, at) => {
      (this.rows[at] as Int16Array)[index] = shown(machine.initial);
    });
    return this.inner.reset(index, seed);
  }

  step(actions: Int32Array | Float32Array, outcome: StepOutcome, only: readonly number[] = this.all): void | Promise<void> {
    const stepped = this.inner.step(actions, outcome, only);
    if (stepped === undefined) this.advance(outcome, only);
    else return stepped.then(() => this.advance(outcome, only));
  }

  statistics(index: number): Float32Array {
    return this.inner.statistics(index);
  }

  close(): void | Promise<void> {
    return this.inner.close();
  }

  private advance(outcome: StepOutcome, only: readonly number[]): void {
    for (const index of only) {
      const scope = this.scope(outcome, index);
      this.positions[index] = (this.positions[index] as number) + 1;
      this.machines.forEach(({ machine, propositions }, at) => {
        const row = this.rows[at] as Int16Array;
        const facts = factsOf(propositions, scope);
        if (facts !== undefined) row[index] = shown(machine.step((row[index] as number) - 1, facts).state);
      });
    }
  }

  private scope(outcome: StepOutcome, index: number): Scope {
    const { rewards: names } = this.spaces;
    const position = this.positions[index];
    return {
      value: (name) => (name === 'text' ? decodeText(outcome.texts[index] as Uint8Array) : name === 'position' ? position : undefined),
      env: (name) => {
        const component = names.indexOf(name);
        return component < 0 ? undefined : outcome.rewards[index * names.length + component];
      },
      numbers: () => undefined,
    };
  }
}

/** Undefined: a proposition could not be evaluated; the machine stays, and its source says that the rest is unknown. */
function factsOf(propositions: CompiledMachine['propositions'], scope: Scope): Record<string, boolean> | undefined {
  try {
    return Object.fromEntries(propositions.map(([name, test]) => [name, test.evaluate(scope) === true]));
  } catch (error) {
    if (error instanceof ProgramFault) return undefined;
    throw error;
  }
}
