import type { AnnotateInput, AnnotateResult, AnnotatorActivities, OpenAnnotatorInput } from '../proto/activities.js';
import type { LabelLogRef } from '../proto/references.js';
import { runActivity, type Work } from './activity.js';

export interface AnnotatorMachinery {
  openAnnotator(input: OpenAnnotatorInput): Promise<LabelLogRef>;
  annotate(input: AnnotateInput, work: Work): Promise<AnnotateResult>;
}

export function createAnnotatorActivities(annotator: AnnotatorMachinery): AnnotatorActivities {
  return {
    openAnnotator: (input) => runActivity(() => annotator.openAnnotator(input)),
    annotate: (input) => runActivity((work) => annotator.annotate(input, work)),
  };
}
