/**
 * All environments. A new one is a file that makes groups, its options in proto/environments.ts, and an entry here.
 * `spaces` needs no game library and no Python where that can be avoided: the learner asks for them too.
 */
import type { EnvironmentSpec } from '../../../proto/environments.js';
import type { EnvironmentGroup, Spaces } from './environment.js';
import { createGymnasiumGroup, gymnasiumSpaces } from './gymnasium/gymnasium-group.js';
import { GridWorldGroup, gridWorldSpaces } from './grid-world/grid-world-group.js';
import { createNetHackGroup } from './nethack/nethack-group.js';
import { nethackSpaces } from './nethack/spaces.js';

export interface EnvironmentDefinition<Spec extends EnvironmentSpec> {
  readonly spaces: (spec: Spec) => Spaces | Promise<Spaces>;
  readonly create: (spec: Spec, size: number) => EnvironmentGroup | Promise<EnvironmentGroup>;
}

type Registry = { readonly [Kind in EnvironmentSpec['kind']]: EnvironmentDefinition<Extract<EnvironmentSpec, { kind: Kind }>> };

export const environmentRegistry: Registry = {
  'grid-world': { spaces: gridWorldSpaces, create: (spec, size) => new GridWorldGroup(spec, size) },
  nethack: { spaces: nethackSpaces, create: createNetHackGroup },
  gymnasium: { spaces: gymnasiumSpaces, create: createGymnasiumGroup },
};

/** @throws LaurelError LAUREL_ENVIRONMENT_FAILED, LAUREL_ASSET_MISSING */
export async function environmentSpaces(spec: EnvironmentSpec): Promise<Spaces> {
  return definitionOf(spec).spaces(spec);
}

/** `size` environments stepped together; none has begun an episode. @throws as `environmentSpaces` */
export async function createEnvironmentGroup(spec: EnvironmentSpec, size: number): Promise<EnvironmentGroup> {
  return definitionOf(spec).create(spec, size);
}

function definitionOf(spec: EnvironmentSpec): EnvironmentDefinition<EnvironmentSpec> {
  return environmentRegistry[spec.kind] as EnvironmentDefinition<EnvironmentSpec>;
}
