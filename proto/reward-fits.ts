/** How a reward comes from the answers of an annotator: the `fit` of a model source. */
import { z } from 'zod';

/** When a reward model is made anew, and how: the same for every fit that trains a network. */
const training = {
  characters: z.int().min(16).max(512).default(128).describe('Bytes of a message that the network reads; the rest is cut.'),
  channels: z.int().min(4).max(256).multipleOf(2).default(32).describe('Width of its layers.'),
  learningRate: z.number().positive().max(1).default(0.003).describe('Step size of Adam.'),
  batch: z.int().min(2).max(1024).default(32).describe('Messages (or pairs) in one optimiser step.'),
  epochs: z.number().positive().max(1000).default(30).describe('How often each new label is shown on average, within `stepsMax`.'),
  stepsMax: z.int().min(1).max(10_000).default(96).describe('Optimiser steps of one version at most: what a version costs does not grow with the log.'),
  replay: z.number().min(0).max(0.9).default(0.5).describe('Share of a batch that is drawn from labels that earlier versions had seen.'),
  heldOut: z.number().min(0.05).max(0.5).default(0.2).describe('Share of the messages (or pairs) that is never trained on, chosen by a hash of the text.'),
  seed: z.int().min(0).default(0).describe('Seed of the first weights, of the batches and of what is held out. Runs with the same fit share its versions.'),
};

const schedule = {
  labelsMin: z.int().min(8).max(1_000_000).default(64).describe('Labels before the first version.'),
  labelsEvery: z.int().min(1).max(1_000_000).default(64).describe('New labels before the next version, at least.'),
  growth: z.number().min(0).max(10).default(0.1).describe('New labels before the next version, as a share of those there are: a long log is not fitted ever more often.'),
};

const classificationFields = {
  target: z.enum(['binary', 'probability']).default('binary').describe("What is learned: 1 where the label is above the annotator's threshold, else 0; or the label itself."),
  classWeights: z.enum(['balanced', 'none']).default('balanced').describe('balanced: both classes count alike in the loss, however rare one is (each at most 20 times).'),
  calibration: z.enum(['platt', 'temperature', 'none']).default('platt').describe('Corrects the probability on held-out labels: slope and shift (platt), slope alone (temperature), or nothing.'),
  threshold: z.number().min(0).max(1).default(0.5).describe('eta: probability of the model above which the reward is 1 (`annotator.answer` binary).'),
};

const retrievalFit = z.strictObject({ kind: z.literal('retrieval') }).describe('A table of labelled messages, exact match; an unknown message is masked (ONI-Retrieval).');

const classificationFit = z
  .strictObject({ kind: z.literal('classification'), ...classificationFields, ...training, ...schedule })
  .describe('A character network learned from the labels, used for every message (ONI-Classification). Masked until it has its labels and has beaten a majority guess on labels that were held out.');

const rankingFields = {
  threshold: z.number().default(-0.5).describe('epsilon: a standardised score counts where it is above this, else the reward is 0.'),
  thresholdQuantile: z.number().min(0).max(1).nullable().default(null).describe('In place of `threshold`: this quantile of the scores of the messages that the version was made from (Motif); null: `threshold`.'),
  standardise: z.boolean().default(true).describe('Scores to mean 0 and deviation 1 by running moments, before the threshold.'),
  window: z.int().min(2).max(1_000_000).default(2048).describe('Messages that the running moments remember: those of older networks fade.'),
};

const rankingFit = z
  .strictObject({ kind: z.literal('ranking'), ...rankingFields, ...training, ...schedule })
  .describe('A character network learned from comparisons (Bradley and Terry, ties count one half; ONI-Ranking): r = z where the standardised score z is above the threshold, else 0. Wants a pairwise annotator; its labels are pairs. Masked until it has its pairs and has beaten a guess on pairs that were held out.');

const offlineFit = z
  .strictObject({
    kind: z.literal('offline'),
    model: z.enum(['ranking', 'classification']).default('ranking').describe('What is learned: comparisons (as in Motif), or verdicts.'),
    labels: z.int().min(8).max(1_000_000).default(512).describe('Size of the data set: the first so many labels of the annotator. They are made before the first update, of messages that the untrained policy sees; then the model is trained once and never changes, and nothing more is asked.'),
    ...rankingFields,
    ...training,
    thresholdQuantile: rankingFields.thresholdQuantile.default(0.5),
    stepsMax: training.stepsMax.default(400),
  })
  .describe('Label a fixed data set first, train once, then freeze (Motif, arXiv 2310.00166).');

const bagOfWordsFit = z
  .strictObject({
    kind: z.literal('bag-of-words'),
    goal: z.string().min(1).max(2000).nullable().default(null).describe("Text that messages are compared with; null: the annotator's goal."),
    dimensions: z.int().min(16).max(4096).multipleOf(16).default(256).describe('Length of a word vector.'),
    threshold: z.number().min(-1).max(1).default(0).describe('A cosine counts where it is above this, else the reward is 0.'),
  })
  .describe('Cosine of the message and the goal, both as sums of word vectors (the baseline ELLM-BoW). Vectors are hashed from the letters of a word, so words are near where they share parts, not where they mean the same. Always known; the judge is never asked.');

export const fitKindSchema = z.discriminatedUnion('kind', [retrievalFit, classificationFit, rankingFit, bagOfWordsFit, offlineFit]);
export type FitSpec = z.output<typeof fitKindSchema>;
export type FitKind = FitSpec['kind'];
export type RankingSpec = Extract<FitSpec, { kind: 'ranking' }>;
export type OfflineSpec = Extract<FitSpec, { kind: 'offline' }>;
export type ClassificationSpec = Extract<FitSpec, { kind: 'classification' }>;
/** A fit whose versions are networks in the store. */
export type TrainedFitSpec = ClassificationSpec | RankingSpec | OfflineSpec;
export type BagOfWordsSpec = Extract<FitSpec, { kind: 'bag-of-words' }>;

const kinds = fitKindSchema.options.map((option) => option.shape.kind.value) as [FitKind, ...FitKind[]];

/** The name of a fit, or the fit with its settings. */
export const fitSchema = z
  .union([z.enum(kinds).transform((kind): FitSpec => fitKindSchema.parse({ kind })), fitKindSchema])
  .describe('How labels become rewards: the name of a fit, or an object with that name as `kind` and its settings.');

export function isTrained(fit: FitSpec): fit is TrainedFitSpec {
  return fit.kind !== 'retrieval' && fit.kind !== 'bag-of-words';
}

/** Whether labels are needed at all. */
export function asksJudge(fit: FitSpec): boolean {
  return fit.kind !== 'bag-of-words';
}

/** How the annotator of a fit must ask; null: it is not asked. */
export function modeOf(fit: FitSpec): 'pointwise' | 'pairwise' | null {
  const kind = fit.kind === 'offline' ? fit.model : fit.kind;
  return kind === 'bag-of-words' ? null : kind === 'ranking' ? 'pairwise' : 'pointwise';
}

/** Labels that the first version of a fit waits for. */
export function firstFitLabels(fit: TrainedFitSpec): number {
  return fit.kind === 'offline' ? fit.labels : fit.labelsMin;
}
