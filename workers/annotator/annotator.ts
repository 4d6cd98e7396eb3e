/** Asks a judge about messages that have no label yet. Behind the activities `openAnnotator` and `annotate`. */
import type { AnnotateInput, AnnotateResult, OpenAnnotatorInput } from '../../proto/activities.js';
import { LaurelError } from '../../proto/errors.js';
import type { AnnotatorSpec } from '../../proto/judges.js';
import type { LabelledSpec } from '../../proto/labelled.js';
import type { LabelLogRef } from '../../proto/references.js';
import { canonicalJson } from '../store/artifacts.js';
import type { ArtifactReader } from '../store/artifact-reader.js';
import type { ObjectStore } from '../store/object-store.js';
import { describeAnnotator, writeDescription } from './annotator-id.js';
import type { ChunkLimits } from './answer-buffer.js';
import { AnswerSpool } from './answer-spool.js';
import { BudgetGuard } from './budget-guard.js';
import { planBacklog, SegmentMessages } from './backlog.js';
import type { Backlog } from './backlog.js';
import { ClaimedTexts } from './claimed-texts.js';
import { judgeOf } from './judges/create-judge.js';
import type { JudgeResources } from './judges/create-judge.js';
import { LabelLog } from './label-log.js';
import { normalKey } from './normal-form.js';
import { promptOf } from './prompts/registry.js';
import { QualityMeter } from './quality/label-quality.js';
import { openLabelledSet, type LabelledSet } from './quality/labelled-set.js';
import { AnnotatorSession } from './session.js';
import type { Round } from './session.js';

/** Until then an answer is in the spool only. */
const CHUNK: ChunkLimits = { labelsMax: 64, waitMs: 1_000 };
/** Messages of one log entry in a drain; fixed, so that two runs of one job write the same log. */
const DRAIN_CHUNK = 32;
/** Annotators that are held ready; the one that was used longest ago goes first. */
const SESSIONS_MAX = 8;
const CLOSE_GRACE_MS = 5_000;

export interface AnnotatorOptions {
  readonly store: ObjectStore;
  readonly reader: ArtifactReader;
  readonly resources: JudgeResources;
  readonly chunk?: ChunkLimits;
  /** Folder of this machine that keeps answers until they are in the log; none: a killed process loses what it had not written. */
  readonly spool?: string;
  /** How long `close` waits for questions in flight before it gives them up. Default 5 s. */
  readonly closeGraceMs?: number;
}

export interface AnnotateControl {
  readonly signal: AbortSignal;
  readonly onProgress: (note: { readonly made: number; readonly waiting: number }) => void;
}

export class Annotator {
  private readonly sessions = new Map<string, Promise<AnnotatorSession>>();
  private readonly logs = new Map<string, LabelLog>();
  private readonly messages: SegmentMessages;
  private readonly labelledSets = new Map<string, Promise<LabelledSet>>();
  private readonly meters = new Map<string, QualityMeter>();

  private readonly closeGraceMs: number;
  private stopping = false;

  constructor(private readonly options: AnnotatorOptions) {
    this.closeGraceMs = options.closeGraceMs ?? CLOSE_GRACE_MS;
    this.messages = new SegmentMessages(options.reader);
  }

  /**
   * Names an annotator, writes `annotators/<id>.json`, and gives its log as it is now.
   * @throws LaurelError LAUREL_JOB_INVALID, LAUREL_LABELS_INVALID, LAUREL_SECRET_MISSING, LAUREL_ASSET_MISSING, LAUREL_ASSET_CORRUPT, LAUREL_STORE_*
   */
  async openAnnotator({ annotator }: OpenAnnotatorInput): Promise<LabelLogRef> {
    const prompt = promptOf(annotator);
    const judge = await judgeOf(annotator, prompt, this.options.resources);
    const description = describeAnnotator(annotator, judge, prompt);
    await judge.dispose();
    // A set that cannot be read is said before anything is asked.
    if (annotator.labelled != null) await this.labelledSet(annotator.labelled);
    await writeDescription(this.options.store, description);
    return (await this.log(description.annotator).table.head()).ref();
  }

  /**
   * Asks about the messages of segments, newest first, until `callMs` is over, or (drain) until nothing waits. Answers are
   * in the log within a second, so that a killed worker loses next to nothing; the call that follows goes on from the log.
   * @throws LaurelError LAUREL_JUDGE_UNAVAILABLE where nothing at all was answered (a drain: where something is left),
   * LAUREL_JUDGE_REFUSED, LAUREL_MODEL_INVALID, LAUREL_STORE_*; the reason of the signal when it is aborted
   */
  async annotate(input: AnnotateInput, control: AnnotateControl): Promise<AnnotateResult> {
    const startedAt = performance.now();
    const session = await this.session(input.annotator, input.annotatorId);
    control.signal.throwIfAborted();
    await session.answers.flush();
    await session.recover(!input.drain);
    const messages = await this.questions(input, control.signal);
    const limits = { pendingMax: input.drain ? Number.POSITIVE_INFINITY : input.annotator.pendingMax, attemptsMax: input.annotator.attemptsMax };
    const plan = planBacklog(messages, await session.log.table.head(), session.inFlight, limits);
    const guard = new BudgetGuard(session.log.table.spending, { budget: input.annotator.budget, price: input.annotator.price ?? null, run: input.run, nowMs: Date.now() });
    const unavailable = input.drain ? await this.askAll(session, guard, messages, input, control) : await this.askFor(session, guard, plan, input, control);
    const view = await session.log.table.head();
    const left = planBacklog(messages, view, session.inFlight, { ...limits, pendingMax: Number.POSITIVE_INFINITY });
    const counts = session.answers.takeCounts();
    // In the background: nobody waits for it, and a block that could not be packed is tried again with the next call.
    void session.compact(view.position);
    const budget = guard.state(left.ask.length);
    return {
      log: view.ref(),
      made: counts.made,
      known: plan.known,
      waiting: Math.max(0, left.ask.length + left.inFlight - plan.dropped),
      dropped: plan.dropped,
      unparsable: counts.unparsable,
      failed: counts.failed + unavailable,
      tokensIn: counts.tokensIn,
      tokensOut: counts.tokensOut,
      annotateMs: performance.now() - startedAt,
      ...(budget === undefined ? {} : { budget }),
      quality: (await this.meter(input)).measure(view),
    };
  }

  /**
   * Begins no further question. A call under way ends when all that it asked is answered and logged: the worker that gets
   * the next call knows only the log, and would ask again what is still in flight here.
   */
  stopAsking(): void {
    this.stopping = true;
  }

  /** Ends the asking; what was answered is in the log. */
  async close(): Promise<void> {
    const sessions = await Promise.allSettled(this.sessions.values());
    this.sessions.clear();
    await Promise.all(sessions.map((session) => (session.status === 'fulfilled' ? session.value.close(this.closeGraceMs) : undefined)));
  }

  private async questions({ annotator, segments, seed }: AnnotateInput, signal: AbortSignal): Promise<string[]> {
    const form = annotator.normalForm ?? 'raw';
    if (annotator.mode === 'pairwise') return this.messages.pairsNewestFirst(segments, form, { seed: seed ?? 0, count: annotator.pairs.perSegment }, signal);
    const messages = await this.messages.newestFirst(segments, form, signal);
    const { labelled, labelledAsk } = annotator;
    if (!labelledAsk || labelled == null) return messages;
    // Last of all: what play shows is worth more.
    return [...new Set([...messages, ...[...(await this.labelledSet(labelled)).truth.keys()].map((key) => normalKey(form, key))])];
  }

  private labelledSet(labelled: LabelledSpec): Promise<LabelledSet> {
    const name = canonicalJson(labelled);
    const known = this.labelledSets.get(name) ?? openLabelledSet(this.options.store, labelled);
    this.labelledSets.set(name, known);
    known.catch(() => this.labelledSets.delete(name));
    return known;
  }

  private async meter({ annotator: { threshold, labelled, normalForm }, annotatorId }: AnnotateInput): Promise<QualityMeter> {
    const name = canonicalJson([annotatorId, threshold, labelled ?? null]);
    const set = labelled == null ? undefined : await this.labelledSet(labelled);
    const known = this.meters.get(name) ?? new QualityMeter(this.log(annotatorId).table, { threshold, set, form: normalForm ?? 'raw' });
    this.meters.set(name, known);
    return known;
  }

  /** Gives how many questions found no judge. */
  private async askFor(session: AnnotatorSession, guard: BudgetGuard, plan: Backlog, { run, annotator: { callMs } }: AnnotateInput, { signal, onProgress }: AnnotateControl): Promise<number> {
    const deadline = performance.now() + callMs;
    const left = (): number => deadline - performance.now();
    const more = (): boolean => !this.stopping && !signal.aborted && left() > 0 && guard.room(session.onTheirWay(run)) > 0;
    const claimed = new ClaimedTexts(session, plan.ask, { callMs, more });
    try {
      let answered = 0;
      const { round, done } = session.ask(run, claimed, more, () => onProgress({ made: session.answers.counted.made, waiting: plan.ask.length - ++answered }));
      // Where only questions of an earlier call are in flight there is still something to wait for.
      const settled = done.then(() => (plan.inFlight > 0 || guard.room(session.onTheirWay(run)) === 0 ? session.settled() : undefined));
      await untilTime(settled, left(), signal);
      if (this.stopping) await untilTime(session.settled(), Number.POSITIVE_INFINITY, signal);
      await session.answers.flush();
      signal.throwIfAborted();
      throwIfDown(session, round);
      return round.unavailable;
    } finally {
      await claimed.release();
    }
  }

  private async askAll(session: AnnotatorSession, guard: BudgetGuard, messages: readonly string[], { run, annotator: { attemptsMax, callMs } }: AnnotateInput, { signal, onProgress }: AnnotateControl): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      const plan = planBacklog(messages, await session.log.table.head(), session.inFlight, { pendingMax: Number.POSITIVE_INFINITY, attemptsMax });
      if (plan.ask.length === 0 && plan.inFlight === 0) return 0;
      if (this.stopping) throw new LaurelError('LAUREL_WORKER_FAILED', `expected another worker to go on with ${plan.ask.length} questions, this one is ending`);
      if (plan.ask.length === 0) {
        await untilTime(session.settled(), Number.POSITIVE_INFINITY, signal);
        await session.answers.flush();
        continue;
      }
      const room = guard.room(session.onTheirWay(run));
      if (room === 0) return 0;
      const claimed = new ClaimedTexts(session, plan.ask, { callMs, more: () => !this.stopping && !signal.aborted });
      try {
        const chunk = await claimed.next(Math.min(DRAIN_CHUNK, room));
        let answered = 0;
        const { round, done } = session.askTogether(run, chunk, () => onProgress({ made: session.answers.counted.made, waiting: plan.ask.length - ++answered }));
        await untilTime(done, Number.POSITIVE_INFINITY, signal);
        if (round.error !== undefined) throw round.error;
      } finally {
        await claimed.release();
      }
    }
  }

  private session(spec: AnnotatorSpec, annotatorId: string): Promise<AnnotatorSession> {
    const name = `${annotatorId} ${canonicalJson(spec.judge)}`;
    const known = this.sessions.get(name);
    this.sessions.delete(name);
    const session = known ?? this.open(spec, annotatorId);
    this.sessions.set(name, session);
    if (known === undefined) {
      session.catch(() => this.sessions.delete(name));
      this.retire();
    }
    return session;
  }

  private async open(spec: AnnotatorSpec, annotatorId: string): Promise<AnnotatorSession> {
    const prompt = promptOf(spec);
    const judge = await judgeOf(spec, prompt, this.options.resources);
    const { annotator } = describeAnnotator(spec, judge, prompt);
    if (annotator !== annotatorId) {
      throw new LaurelError('LAUREL_MODEL_INVALID', `expected the judge to be that of annotator ${annotatorId}, on this worker it is ${annotator} (${judge.id}, ${judge.digest}); give all annotator workers the same model file`, { annotatorId, annotator });
    }
    return new AnnotatorSession(judge, this.log(annotatorId), prompt, this.options.chunk ?? CHUNK, this.options.spool === undefined ? undefined : new AnswerSpool(this.options.spool, annotatorId));
  }

  private retire(): void {
    for (const [name, session] of this.sessions) {
      if (this.sessions.size <= SESSIONS_MAX) return;
      this.sessions.delete(name);
      session.then((old) => old.close(this.closeGraceMs)).catch(() => undefined);
    }
  }

  private log(annotatorId: string): LabelLog {
    const known = this.logs.get(annotatorId) ?? new LabelLog(this.options.store, annotatorId);
    this.logs.set(annotatorId, known);
    return known;
  }
}

/** Silence is an outage only where a request has failed: a slow judge answers later. */
function throwIfDown(session: AnnotatorSession, round: Round): void {
  const error = round.error ?? session.judge.trouble;
  if (error !== undefined && round.asked > 0 && round.answers === 0) throw error;
}

/** Waits for `done`, but not longer than `timeMs` and not when the signal is aborted (its reason is thrown). */
async function untilTime(done: Promise<unknown>, timeMs: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const over = new Promise<void>((resolve, reject) => {
    if (Number.isFinite(timeMs)) timer = setTimeout(resolve, timeMs);
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
  try {
    await Promise.race([done, over]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
