/** Makes a version of fit `classification`: trains, calibrates, and tests on what was held out. */
import { Tensor } from 'onnxruntime-node';
import type { ClassificationSpec } from '../../../proto/reward-fits.js';
import type { Objective } from '../../learner/loss-session.js';
import { calibrate, calibrated } from './calibration.js';
import { logisticLoss } from './logistic-loss.js';
import type { ModelHead } from './model-file.js';
import { messageRows, type TextNetwork } from './text-network.js';
import type { FitContext, FitOutcome } from './fit-kind.js';

/** How much a rare class may count more than it is seen. */
const CLASS_WEIGHT_MAX = 20;
/** Held-out messages without which no claim is made. */
const TESTED_MIN = 10;

export function classificationObjective(network: TextNetwork, rows: number): Objective {
  return {
    parameters: network.parameters,
    build(g, scope) {
      const logit = network.build(scope, network.input(g, 'message', rows));
      return { loss: logisticLoss(g, logit, g.input('target', [rows]), g.input('weight', [rows])), metrics: {} };
    },
  };
}

export async function fitClassification(spec: ClassificationSpec, { network, set, labelOf, threshold, train, scores }: FitContext): Promise<FitOutcome> {
  const target = (text: string): number => (spec.target === 'probability' ? labelOf(text) : labelOf(text) > threshold ? 1 : 0);
  const survey = set.survey();
  const trained = survey.filter((text) => !set.isHeldOut(text));
  const positives = trained.filter((text) => labelOf(text) > threshold).length;
  const weights = classWeights(trained.length - positives, positives, spec.classWeights);
  const { parameters, steps, loss } = await train(classificationObjective(network, spec.batch), (texts) => ({
    message: new Tensor('uint8', messageRows(texts, spec.characters), [texts.length, spec.characters]),
    target: new Tensor('float32', Float32Array.from(texts, target), [texts.length]),
    weight: new Tensor('float32', Float32Array.from(texts, (text) => (labelOf(text) > threshold ? weights.positive : weights.negative)), [texts.length]),
  }));
  const held = survey.filter((text) => set.isHeldOut(text));
  const logits = new Map<string, number>();
  (await scores(parameters, held)).forEach((logit, index) => logits.set(held[index] as string, logit));
  // Two halves: what the calibration is made on must not be what it is tested on.
  const calibrating = held.filter((text) => set.share(text) < spec.heldOut / 2);
  const tested = held.filter((text) => set.share(text) >= spec.heldOut / 2);
  const calibration = calibrate(calibrating.map((text) => logits.get(text) as number), calibrating.map(target), spec.calibration);
  const test = testBinary(tested.map((text) => ({ probability: calibrated(calibration, logits.get(text) as number), helpful: labelOf(text) > threshold })), spec.threshold);
  const head: ModelHead = { kind: 'classification', calibration, threshold: spec.threshold };
  return {
    parameters,
    steps,
    head,
    ready: test.tested >= TESTED_MIN && test.accuracy > test.majority,
    metrics: { loss, trained: trained.length, positives, heldOut: held.length, ...test },
  };
}

/** Weights by which both classes count alike, mean 1 over the messages; 1 and 1 where one class is missing. */
export function classWeights(negatives: number, positives: number, kind: ClassificationSpec['classWeights']): { readonly negative: number; readonly positive: number } {
  if (kind === 'none' || negatives === 0 || positives === 0) return { negative: 1, positive: 1 };
  const share = (count: number): number => Math.min(CLASS_WEIGHT_MAX, (negatives + positives) / (2 * count));
  return { negative: share(negatives), positive: share(positives) };
}

/** Accuracy, the accuracy of naming the more frequent class each time, and the Brier score; zeros where nothing was tested. */
export function testBinary(cases: readonly { readonly probability: number; readonly helpful: boolean }[], threshold: number): { tested: number; accuracy: number; majority: number; brier: number } {
  const tested = cases.length;
  if (tested === 0) return { tested, accuracy: 0, majority: 0, brier: 0 };
  const share = (counted: (one: (typeof cases)[number]) => boolean): number => cases.filter(counted).length / tested;
  const helpful = share((one) => one.helpful);
  return {
    tested,
    accuracy: share((one) => one.probability > threshold === one.helpful),
    majority: Math.max(helpful, 1 - helpful),
    brier: cases.reduce((sum, one) => sum + (one.probability - (one.helpful ? 1 : 0)) ** 2, 0) / tested,
  };
}
