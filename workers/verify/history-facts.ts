/** What the history of a run says was done: the results of its calls, in the order in which the run learned of them. Pure. */
import type { CollectResult, ScoreInput, ScoreResult, UpdateInput, UpdateResult } from '../../proto/activities.js';
import type { SegmentRef } from '../../proto/references.js';
import type { HistoryEvent } from './history-events.js';

interface Payloads {
  readonly payloads?: readonly { readonly data?: Uint8Array | string | null }[] | null;
}

interface Started {
  readonly continuedExecutionRunId?: string | null;
  readonly originalExecutionRunId?: string | null;
}

/** The parts that are read here; the client's events and the JSON of the CLI have them alike. */
export interface RunEvent extends HistoryEvent {
  readonly workflowExecutionStartedEventAttributes?: Started | null;
  readonly workflowExecutionContinuedAsNewEventAttributes?: { readonly newExecutionRunId?: string | null } | null;
  readonly workflowExecutionCompletedEventAttributes?: object | null;
  readonly workflowExecutionCanceledEventAttributes?: object | null;
  readonly workflowExecutionFailedEventAttributes?: object | null;
  readonly workflowExecutionTerminatedEventAttributes?: object | null;
  readonly workflowExecutionTimedOutEventAttributes?: object | null;
}

/** One link of a chain of runs that continued as new. */
export interface RunHistory {
  readonly runId: string;
  readonly events: readonly RunEvent[];
}

export type HistoryEnd = 'completed' | 'cancelled' | 'failed' | 'open';

export interface HistoryFacts {
  readonly end: HistoryEnd;
  readonly collected: readonly SegmentRef[];
  readonly scored: readonly { readonly input: ScoreInput; readonly result: ScoreResult }[];
  readonly updates: readonly { readonly input: UpdateInput; readonly result: UpdateResult }[];
  /** Links that do not follow each other. */
  readonly faults: readonly string[];
}

/** @param histories all links of the chain, the first one first */
export function historyFacts(histories: readonly RunHistory[]): HistoryFacts {
  const collected: SegmentRef[] = [];
  const scored: { input: ScoreInput; result: ScoreResult }[] = [];
  const updates: { input: UpdateInput; result: UpdateResult }[] = [];
  const faults: string[] = [];
  let end: HistoryEnd = 'open';
  for (const [index, { runId, events }] of histories.entries()) {
    const calls = new Map<string, { name: string; input: Payloads | undefined }>();
    for (const event of events) {
      const scheduled = event.activityTaskScheduledEventAttributes as ({ readonly activityType?: { readonly name?: string | null } | null; readonly input?: Payloads | null } | null | undefined);
      if (scheduled) calls.set(String(event.eventId), { name: scheduled.activityType?.name ?? '', input: scheduled.input ?? undefined });
      const completed = event.activityTaskCompletedEventAttributes as ({ readonly scheduledEventId?: unknown; readonly result?: Payloads | null } | null | undefined);
      const call = completed && calls.get(String(completed.scheduledEventId));
      if (!call) continue;
      if (call.name === 'collect') collected.push(...read<CollectResult>(completed.result).segments);
      else if (call.name === 'score') scored.push({ input: read(call.input), result: read(completed.result) });
      else if (call.name === 'update') updates.push({ input: read(call.input), result: read(completed.result) });
    }
    const next = histories[index + 1];
    const continued = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
    if (next !== undefined && continued !== next.runId) faults.push(`expected the run ${runId} to continue as ${next.runId}, its history ends ${continued == null ? 'otherwise' : `with ${continued}`}`);
    if (next === undefined) end = endOf(events.at(-1));
  }
  return { end, collected, scored, updates, faults };
}

function endOf(event: RunEvent | undefined): HistoryEnd {
  if (event?.workflowExecutionCompletedEventAttributes) return 'completed';
  if (event?.workflowExecutionCanceledEventAttributes) return 'cancelled';
  if (event?.workflowExecutionFailedEventAttributes ?? event?.workflowExecutionTerminatedEventAttributes ?? event?.workflowExecutionTimedOutEventAttributes) return 'failed';
  return 'open';
}

/** Calls of Laurel have one object as input and one as result, as JSON. */
function read<T>(payloads: Payloads | null | undefined): T {
  const data = payloads?.payloads?.[0]?.data;
  if (data == null) throw new TypeError('expected a payload in the history, found none');
  return JSON.parse(Buffer.from(data as string, typeof data === 'string' ? 'base64' : undefined).toString('utf8')) as T;
}
