/** The questions of one annotator asked again of another: another judge, prompt or goal, with its own log, and how far the two agree. */
import { LaurelError } from '../../proto/errors.js';
import { PAIR_CHOICES, type AnnotatorSpec } from '../../proto/judges.js';
import { readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { describeAnnotator, writeDescription, type AnnotatorDescription } from './annotator-id.js';
import { ClaimedTexts } from './claimed-texts.js';
import { judgeOf, type JudgeResources } from './judges/create-judge.js';
import { LabelLog } from './label-log.js';
import { LabelTable, type Label, type LabelView } from './label-table.js';
import { promptOf } from './prompts/registry.js';
import { compareVerdicts, type Comparison, type VerdictPair } from './quality/comparison.js';
import { AnnotatorSession } from './session.js';

const CHUNK = { labelsMax: 64, waitMs: 1_000 };
/** What the log names as the run that asked. */
const RUN = 'relabel';
const HOUR_MS = 3_600_000;

export interface RelabelOptions {
  /** Questions at most, the newest first. */
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly onProgress: (answered: number, of: number) => void;
}

export interface Relabelled {
  readonly annotator: string;
  /** Of the questions, those that were answered now, and those that had an answer before. */
  readonly made: number;
  readonly known: number;
  /** Without a verdict even now. */
  readonly unanswered: number;
  readonly comparison: Comparison;
}

/**
 * Compares what the judge of `from` said with what the other one says; labels of people are no part of it. What was
 * answered is kept when it is interrupted, and not asked again by the next call.
 * @throws LaurelError LAUREL_ANNOTATOR_UNKNOWN, LAUREL_JOB_INVALID where both are one annotator or ask in another way,
 * LAUREL_JUDGE_*, LAUREL_SECRET_MISSING, LAUREL_ASSET_*, LAUREL_STORE_*; the reason of the signal
 */
export async function relabel(store: ObjectStore, from: string, spec: AnnotatorSpec, resources: JudgeResources, options: RelabelOptions): Promise<Relabelled> {
  const old = await readJson<AnnotatorDescription>(store, layout.annotator(from));
  if (old === undefined) throw new LaurelError('LAUREL_ANNOTATOR_UNKNOWN', `expected the annotator ${from} in this store, found none; \`laurel labels list\` shows all`, { from });
  checkAlike(old, spec);
  const prompt = promptOf(spec);
  const judge = await judgeOf(spec, prompt, resources);
  const description = describeAnnotator(spec, judge, prompt);
  const log = new LabelLog(store, description.annotator);
  const session = new AnnotatorSession(judge, log, prompt, CHUNK);
  try {
    if (description.annotator === from) throw new LaurelError('LAUREL_JOB_INVALID', `expected another judge, prompt or goal than those of ${from}, got the same`, { from });
    await writeDescription(store, description);
    const before = await new LabelTable(store, from).head();
    const questions = questionsOf(before, options.limit);
    const view = await log.table.head();
    const open = questions.filter((key) => view.get(key) === undefined && view.failedAttempts(key) < spec.attemptsMax);
    const made = await askAll(session, open, options);
    const after = await log.table.head();
    const comparison = compare(questions, before, after, spec);
    return { annotator: description.annotator, made, known: questions.length - open.length, unanswered: questions.length - comparison.count, comparison };
  } finally {
    await session.close(5_000);
  }
}

function checkAlike(old: AnnotatorDescription, spec: AnnotatorSpec): void {
  const [form, wanted] = [old.normalForm ?? 'raw', spec.normalForm ?? 'raw'];
  if (old.mode !== spec.mode || form !== wanted) throw new LaurelError('LAUREL_JOB_INVALID', `expected an annotator of mode ${old.mode} and normal form ${form}: only the same questions can be compared; got ${spec.mode}, ${wanted}`, { mode: spec.mode });
}

/** Newest first. */
function questionsOf(view: LabelView, limit: number): string[] {
  const keys: string[] = [];
  for (const [key] of view.verdicts()) if (view.byJudge(key) !== undefined) keys.push(key);
  return keys.reverse().slice(0, limit);
}

async function askAll(session: AnnotatorSession, keys: readonly string[], { signal, onProgress }: RelabelOptions): Promise<number> {
  const more = (): boolean => !signal.aborted;
  const claimed = new ClaimedTexts(session, keys, { callMs: HOUR_MS, more });
  let answered = 0;
  try {
    const { round, done } = session.ask(RUN, claimed, more, () => onProgress(++answered, keys.length));
    await done;
    signal.throwIfAborted();
    if (round.error !== undefined) throw round.error;
    return session.answers.takeCounts().made;
  } finally {
    await claimed.release();
  }
}

function compare(keys: readonly string[], before: LabelView, after: LabelView, { mode, threshold }: AnnotatorSpec): Comparison {
  const nameOf = ({ probability, choice }: Label): string => (mode === 'pairwise' ? (choice ?? 'tie') : probability > threshold ? 'helpful' : 'unhelpful');
  const pairs = keys.flatMap((text): VerdictPair[] => {
    const [a, b] = [before.byJudge(text), after.byJudge(text)];
    return a === undefined || b === undefined ? [] : [{ text, a: nameOf(a), b: nameOf(b), distance: Math.abs(a.probability - b.probability) }];
  });
  return compareVerdicts(pairs, mode === 'pairwise' ? PAIR_CHOICES : ['helpful', 'unhelpful']);
}
