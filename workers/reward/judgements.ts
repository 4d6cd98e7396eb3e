/**
 * What a live judge answered about a segment: asked once, recorded before it is used, read ever after. The record is the
 * truth: rewards that are computed again (a retry, a repair, `laurel verify`) read it and ask nobody.
 */
import { LaurelError } from '../../proto/errors.js';
import type { JudgeSource } from '../../proto/reward-judge.js';
import type { LabelStatus } from '../../proto/schemas.js';
import { sourceJudgeOf, type JudgeResources } from '../annotator/judges/create-judge.js';
import type { Judge } from '../annotator/judges/judge.js';
import { Slots } from '../annotator/judges/slots.js';
import { judgePromptOf } from '../annotator/prompts/registry.js';
import { canonicalJson, digestOf, hashOf, readJson } from '../store/artifacts.js';
import { layout } from '../store/layout.js';
import type { ObjectStore } from '../store/object-store.js';
import { keepNewest } from '../keep-newest.js';

/** `late`: the deadline was over before it was answered. */
export interface Judgement {
  /** Digest of the question's bytes. */
  readonly question: string;
  readonly status: LabelStatus | 'late';
  /** Probability that the text keeps to the principle, or that the first of two is preferred; null unless the status is ok, and of a list. */
  readonly value: number | null;
  /** Of a list: what each text is worth, 0 to 1, in the order of the question; absent unless the status is ok. */
  readonly values?: readonly number[];
  /** Raw reply, for people. */
  readonly reply: string;
  readonly model: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
}

interface JudgementRecord {
  readonly schemaVersion: 1;
  /** hash(judge, prompt): what an answer depends on besides the question. */
  readonly judge: string;
  readonly judgements: readonly Judgement[];
}

export interface JudgedPlace {
  readonly run: string;
  readonly source: string;
  readonly shard: number;
  readonly seq: number;
}

export type Judgements = ReadonlyMap<string, Judgement>;

/** Answers kept until they are recorded, so that a retry pays for none twice; beyond them the oldest go. */
const KEPT_MAX = 10_000;
const REPLY_CHARACTERS_MAX = 2_000;

interface OpenJudge {
  readonly judge: Judge;
  readonly id: string;
  /** Segments are asked about one after another: what a judge is asked at the same time is bounded for all of them, and none waits while its own time runs. */
  readonly turn: Slots;
}

export class JudgementBook {
  private readonly judges = new Map<string, Promise<OpenJudge>>();
  private readonly answered = new Map<string, Judgement>();

  /** @param resources null: nobody is asked here, records alone are read */
  constructor(
    private readonly store: ObjectStore,
    private readonly resources: JudgeResources | null,
  ) {}

  /**
   * By digest of the question.
   * @throws LaurelError LAUREL_JUDGE_UNAVAILABLE (nothing is recorded then), LAUREL_JUDGE_REFUSED, LAUREL_SECRET_MISSING,
   * LAUREL_STORE_MISSING where nobody is asked here, LAUREL_STORE_CORRUPT
   */
  async of(place: JudgedPlace, spec: JudgeSource, questions: readonly Uint8Array[], signal?: AbortSignal): Promise<Judgements> {
    const key = layout.judgements(place.run, place.source, place.shard, place.seq);
    const known = await readJson<JudgementRecord>(this.store, key);
    const record = known ?? (await this.recorded(key, await this.asked(key, spec, questions, signal)));
    const judgements = new Map(record.judgements.map((one) => [one.question, one]));
    const missing = questions.filter((question) => !judgements.has(digestOf(question))).length;
    if (missing > 0) throw new LaurelError('LAUREL_STORE_CORRUPT', `expected ${questions.length} judgements in ${key}, ${missing} of them are missing`, { key });
    return judgements;
  }

  async close(): Promise<void> {
    const open = [...this.judges.values()];
    this.judges.clear();
    for (const one of open) await one.then(({ judge }) => judge.dispose(), () => undefined);
  }

  /** What stands under the name: this record, or the one of whoever was first. */
  private async recorded(key: string, record: JudgementRecord): Promise<JudgementRecord> {
    const { created } = await this.store.putIfAbsent(key, Buffer.from(`${canonicalJson(record)}\n`, 'utf8'));
    return created ? record : ((await readJson<JudgementRecord>(this.store, key)) ?? record);
  }

  private async asked(key: string, spec: JudgeSource, questions: readonly Uint8Array[], signal?: AbortSignal): Promise<JudgementRecord> {
    const { judge, id, turn } = await this.open(key, spec);
    return turn.run(1, () => {
      signal?.throwIfAborted();
      return this.askedNow(judge, id, spec, questions, signal);
    });
  }

  private async askedNow(judge: Judge, id: string, spec: JudgeSource, questions: readonly Uint8Array[], signal?: AbortSignal): Promise<JudgementRecord> {
    const nameOf = (question: string): string => `${id}/${question}`;
    const digests = questions.map(digestOf);
    const answers = new Map(digests.flatMap((question) => (this.answered.has(nameOf(question)) ? [[question, this.answered.get(nameOf(question)) as Judgement] as const] : [])));
    const open = questions.filter((_, index) => !answers.has(digests[index] as string));
    const trouble = await this.ask(judge, open, spec.deadlineMs, signal, (judgement) => {
      answers.set(judgement.question, judgement);
      keepNewest(this.answered, nameOf(judgement.question), judgement, KEPT_MAX);
    });
    if (trouble !== undefined) throw trouble;
    const judgements = digests.map((question): Judgement => answers.get(question) ?? { question, status: 'late', value: null, reply: '', model: judge.id, tokensIn: 0, tokensOut: 0 });
    return { schemaVersion: 1, judge: id, judgements };
  }

  /** @returns why a question could not be put at all, where one could not */
  private async ask(judge: Judge, questions: readonly Uint8Array[], deadlineMs: number, signal: AbortSignal | undefined, onAnswer: (judgement: Judgement) => void): Promise<LaurelError | undefined> {
    if (questions.length === 0) return undefined;
    const deadline = AbortSignal.timeout(deadlineMs);
    let trouble: LaurelError | undefined;
    try {
      for await (const outcome of judge.ask(questions, { signal: signal ? AbortSignal.any([signal, deadline]) : deadline })) {
        if (outcome.kind === 'unavailable') {
          trouble = outcome.error;
          continue;
        }
        const { status, label, probability, values, reply, model, tokensIn, tokensOut } = outcome.answer;
        onAnswer({ question: digestOf(outcome.text), status, value: status === 'ok' ? (probability ?? label) : null, ...(values && { values }), reply: reply.slice(0, REPLY_CHARACTERS_MAX), model: model ?? judge.id, tokensIn, tokensOut });
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (!deadline.aborted) throw error;
    }
    return trouble;
  }

  private open(key: string, spec: JudgeSource): Promise<OpenJudge> {
    const { resources } = this;
    if (resources === null) throw new LaurelError('LAUREL_STORE_MISSING', `expected ${key} in the store, found nothing; nobody is asked here, what a judge answered is only read`, { key });
    const name = hashOf([spec.judge, spec.mode, spec.principle, spec.prompt, spec.swap]);
    let judge = this.judges.get(name);
    if (!judge) {
      this.judges.set(name, (judge = opened(spec, resources)));
      judge.catch(() => this.judges.delete(name));
    }
    return judge;
  }
}

async function opened(spec: JudgeSource, resources: JudgeResources): Promise<OpenJudge> {
  const prompt = judgePromptOf(spec);
  const judge = await sourceJudgeOf(spec, prompt, resources);
  return { judge, id: hashOf({ judge: judge.material, prompt: prompt.material }), turn: new Slots(1) };
}
