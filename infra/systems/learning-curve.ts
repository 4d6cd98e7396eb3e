/** What the metric lines of a run say of how fast something was learned. */
import type { StoredRun } from './system-row.js';

/** Versions that are averaged: a batch is small, and one lucky batch is no skill. */
const WINDOW = 10;

/** Mean of a metric over the window that ends at each version. @throws Error where a line lacks it */
function smoothed(run: StoredRun | undefined, name: string): { readonly version: number; readonly mean: number }[] {
  const values = (run?.metrics ?? []).map(({ version, values: all }) => {
    const value = all[name];
    if (value === undefined) throw new Error(`expected the metric ${name} at version ${version} of ${run?.run}; there are ${Object.keys(all).join(', ')}`);
    return { version, value };
  });
  if (values.length < WINDOW) throw new Error(`expected at least ${WINDOW} versions in ${run?.run ?? 'a run that is missing'}, got ${values.length}`);
  return values.slice(WINDOW - 1).map(({ version }, index) => ({ version, mean: values.slice(index, index + WINDOW).reduce((sum, { value }) => sum + value, 0) / WINDOW }));
}

/** The first version at which the smoothed metric is at least `least`; the version after the last where none is. */
export function firstVersionAbove(run: StoredRun | undefined, name: string, least: number): number {
  const curve = smoothed(run, name);
  return curve.find(({ mean }) => mean >= least)?.version ?? (curve[curve.length - 1]?.version ?? 0) + 1;
}

/** The first evaluated version at which a mean of the policy is at least `least`; the version after the last where none is. @throws Error where no version was evaluated */
export function firstEvaluationAbove(run: StoredRun | undefined, name: string, least: number): number {
  const evaluated = (run?.evaluations ?? []).filter(({ suite }) => suite === 'policy').map(({ policyVersion, means }) => ({ version: policyVersion ?? 0, mean: means[name]?.mean ?? -Infinity })).sort((a, b) => a.version - b.version);
  const last = evaluated.at(-1);
  if (last === undefined) throw new Error(`expected evaluations of ${run?.run ?? 'a run that is missing'}, found none`);
  return evaluated.find(({ mean }) => mean >= least)?.version ?? last.version + 1;
}
