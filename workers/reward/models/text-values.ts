/** From a message to its reward: what each fit says differently. */
import type { LabelView } from '../../annotator/label-table.js';
import type { ModelView } from './model-view.js';

export interface TextValue {
  readonly value: number;
  /** 0..1: how sure the source is of the value. */
  readonly confidence: number;
  /** What the value was made from: entries of the label log. */
  readonly version: number;
}

export interface ModelContext {
  /** The labels of this source, for fits that look them up. */
  readonly labels?: LabelView | undefined;
  /** Its reward model; undefined: there is none that may be used yet. */
  readonly model?: ModelView | undefined;
}

/** undefined: unknown so far, which is not 0. */
export type TextValues = (text: string, context: ModelContext) => TextValue | undefined;
