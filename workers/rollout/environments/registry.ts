/**
 * All environments. A new one is a file that makes groups, its options in proto/environments.ts, and an entry here.
 * `spaces` needs no game library and no Python where that can be avoided: the learner asks for them too.
 */
import type { EnvironmentSpec, StepEnvironmentSpec } from '../../../proto/environments.js';
import { LaurelError } from '../../../proto/errors.js';
import type { ShownMachines } from '../../../proto/shown-machines.js';
import type { EnvironmentGroup, Spaces } from './environment.js';
import { createGymnasiumGroup, gymnasiumSpaces } from './gymnasium/gymnasium-group.js';
import { GridWorldGroup, gridWorldSpaces } from './grid-world/grid-world-group.js';
import { Landmarks, landmarksSpaces } from './landmarks/landmarks.js';
import { MachineGroup, machinesOf, withMachines } from './machine-group.js';
import { ModelGroup } from './model-group.js';
import { createNetHackGroup } from './nethack/nethack-group.js';
import { nethackSpaces } from './nethack/spaces.js';
import { Pendulum, pendulumSpaces } from './pendulum/pendulum.js';
import { PointMass, pointMassSpaces } from './point-mass/point-mass.js';
import { Portfolio, portfolioSpaces } from './portfolio/portfolio.js';
import { TextAdventure, textAdventureSpaces } from './text-adventure/text-adventure.js';

export interface EnvironmentDefinition<Spec extends StepEnvironmentSpec> {
  readonly spaces: (spec: Spec) => Spaces | Promise<Spaces>;
  readonly create: (spec: Spec, size: number) => EnvironmentGroup | Promise<EnvironmentGroup>;
}

type Registry = { readonly [Kind in StepEnvironmentSpec['kind']]: EnvironmentDefinition<Extract<StepEnvironmentSpec, { kind: Kind }>> };

export const environmentRegistry: Registry = {
  'grid-world': { spaces: gridWorldSpaces, create: (spec, size) => new GridWorldGroup(spec, size) },
  nethack: { spaces: nethackSpaces, create: createNetHackGroup },
  gymnasium: { spaces: gymnasiumSpaces, create: createGymnasiumGroup },
  'point-mass': { spaces: pointMassSpaces, create: (spec, size) => new ModelGroup(pointMassSpaces(spec), size, spec.episodeStepsMax, () => new PointMass(spec)) },
  pendulum: { spaces: pendulumSpaces, create: (spec, size) => new ModelGroup(pendulumSpaces(spec), size, spec.episodeStepsMax, () => new Pendulum()) },
  portfolio: { spaces: portfolioSpaces, create: (spec, size) => new ModelGroup(portfolioSpaces(spec), size, spec.episodeStepsMax, () => new Portfolio(spec)) },
  landmarks: { spaces: landmarksSpaces, create: (spec, size) => new ModelGroup(landmarksSpaces(spec), size, spec.episodeStepsMax, () => new Landmarks(spec)) },
  'text-adventure': { spaces: textAdventureSpaces, create: (spec, size) => new ModelGroup(textAdventureSpaces(spec), size, spec.episodeStepsMax, () => new TextAdventure(spec)) },
};

/** @throws LaurelError LAUREL_JOB_INVALID (texts are written, not stepped through), LAUREL_ENVIRONMENT_FAILED, LAUREL_ASSET_MISSING */
export async function environmentSpaces(spec: EnvironmentSpec, shows: ShownMachines = {}): Promise<Spaces> {
  const stepped = steppedOf(spec);
  return withMachines(await definitionOf(stepped).spaces(stepped), machinesOf(shows));
}

/** `size` environments stepped together; none has begun an episode. @throws as `environmentSpaces` */
export async function createEnvironmentGroup(spec: EnvironmentSpec, size: number, shows: ShownMachines = {}): Promise<EnvironmentGroup> {
  const stepped = steppedOf(spec);
  const group = await definitionOf(stepped).create(stepped, size);
  const machines = machinesOf(shows);
  return machines.length === 0 ? group : new MachineGroup(group, machines);
}

function steppedOf(spec: EnvironmentSpec): StepEnvironmentSpec {
  if (spec.kind === 'text') throw new LaurelError('LAUREL_JOB_INVALID', `expected an environment that is stepped by actions (${Object.keys(environmentRegistry).join(', ')}), got text`);
  return spec;
}

function definitionOf(spec: StepEnvironmentSpec): EnvironmentDefinition<StepEnvironmentSpec> {
  return environmentRegistry[spec.kind] as EnvironmentDefinition<StepEnvironmentSpec>;
}
