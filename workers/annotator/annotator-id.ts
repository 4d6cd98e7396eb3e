/** The name of an annotator: two jobs with the same id share labels, anything that changes an answer changes it. */
import type { AnnotatorSpec } from '../../proto/judges.js';
import { canonicalJson, hashOf } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import type { Judge } from './judges/judge.js';
import type { Prompt } from './prompts/prompt-template.js';

/** What `annotators/<id>.json` tells a person. */
export interface AnnotatorDescription {
  readonly annotator: string;
  readonly mode: AnnotatorSpec['mode'];
  /** Absent: raw. */
  readonly normalForm?: AnnotatorSpec['normalForm'];
  readonly judge: Readonly<Record<string, unknown>>;
  readonly prompt: Readonly<Record<string, unknown>>;
}

/**
 * hash(model digest, how its answer is read, prompt wording, goal, examples, label words, normal form). Threads, waiting times, bounds
 * and how the reward side uses a probability are not part of it.
 */
export function describeAnnotator({ mode, normalForm }: Pick<AnnotatorSpec, 'mode'> & Partial<Pick<AnnotatorSpec, 'normalForm'>>, judge: Pick<Judge, 'material'>, prompt: Pick<Prompt, 'material'>): AnnotatorDescription {
  // Left out where messages are taken as they are: so annotators were named before there was a choice.
  const form = normalForm === undefined || normalForm === 'raw' ? {} : { normalForm };
  const material = { mode, ...form, judge: judge.material, prompt: prompt.material };
  return { annotator: hashOf(material), ...material };
}

/** Writes the description once; a later writer of the same id finds it. @throws LaurelError LAUREL_STORE_UNAVAILABLE */
export async function writeDescription(store: ObjectStore, description: AnnotatorDescription): Promise<void> {
  await store.putIfAbsent(layout.annotator(description.annotator), Buffer.from(`${canonicalJson(description)}\n`, 'utf8'));
}
