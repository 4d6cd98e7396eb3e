/** What a fit is given to make one version, and what it gives back. */
import type { PairChoice } from '../../../proto/judges.js';
import type { Feeds, Objective } from '../../learner/loss-session.js';
import type { ModelHead } from './model-file.js';
import type { Parameters, TextNetwork } from './text-network.js';
import type { TrainingSet } from './training-set.js';

export interface FitContext {
  readonly network: TextNetwork;
  /** The labelled texts (for comparisons: pairs) up to the position. */
  readonly set: TrainingSet;
  /** The label of a text of the set. */
  readonly labelOf: (text: string) => number;
  /** What was preferred in a pair of the set; undefined where its label says only a probability. */
  readonly choiceOf: (pair: string) => PairChoice | undefined;
  /** Label above which a message counts as helpful. */
  readonly threshold: number;
  /** Optimiser steps from the weights of the version before. */
  readonly train: (objective: Objective, feeds: (texts: readonly string[]) => Feeds) => Promise<{ readonly parameters: Parameters; readonly steps: number; readonly loss: number }>;
  /** The network's number for each message. */
  readonly scores: (parameters: Parameters, messages: readonly string[]) => Promise<number[]>;
  /** The head of the version before, where there is one. */
  readonly previous: ModelHead | null;
}

export interface FitOutcome {
  readonly parameters: Parameters;
  readonly steps: number;
  readonly head: ModelHead;
  readonly ready: boolean;
  readonly metrics: Readonly<Record<string, number>>;
}
