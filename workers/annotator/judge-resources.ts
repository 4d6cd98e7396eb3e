/** What judges need of this machine: model files and secrets. */
import { ASSETS, requireAsset } from '../assets/index.js';
import type { JudgeResources } from './judges/create-judge.js';

/** The file of an embedded model is fetched by name, or lies where the job says; secrets are environment variables. */
export function machineResources(): JudgeResources {
  return {
    modelPath: async (model) => (typeof model === 'string' ? ((await requireAsset(ASSETS[model]))['model'] as string) : model.path),
    secret: (name) => process.env[name],
  };
}
