/** What a history of Temporal says, counted: the events that a run costs, by what they are for. Pure. */

/** The parts of a history event that are looked at here; both the client's events and the JSON of the CLI have them. */
export interface HistoryEvent {
  readonly eventId?: unknown;
  readonly eventType?: unknown;
  readonly activityTaskScheduledEventAttributes?: { readonly activityType?: { readonly name?: string | null } | null } | null;
  readonly timerStartedEventAttributes?: object | null;
  readonly workflowTaskScheduledEventAttributes?: object | null;
  readonly workflowTaskStartedEventAttributes?: object | null;
  readonly workflowTaskCompletedEventAttributes?: object | null;
  readonly workflowTaskFailedEventAttributes?: object | null;
  readonly workflowTaskTimedOutEventAttributes?: object | null;
  readonly activityTaskStartedEventAttributes?: object | null;
  readonly activityTaskCompletedEventAttributes?: object | null;
  readonly activityTaskFailedEventAttributes?: object | null;
  readonly activityTaskTimedOutEventAttributes?: object | null;
  readonly activityTaskCancelRequestedEventAttributes?: object | null;
  readonly activityTaskCanceledEventAttributes?: object | null;
  readonly timerFiredEventAttributes?: object | null;
  readonly timerCanceledEventAttributes?: object | null;
  readonly upsertWorkflowSearchAttributesEventAttributes?: object | null;
}

export interface EventCounts {
  readonly total: number;
  /** Events of calls, by activity. */
  readonly activities: Readonly<Record<string, number>>;
  /** Calls that were scheduled, by activity. */
  readonly calls: Readonly<Record<string, number>>;
  readonly workflowTasks: number;
  readonly timers: number;
  readonly searchAttributes: number;
  /** Start, end, updates, signals. */
  readonly others: number;
}

/** @param events of all runs of a chain, in any order of runs */
export function countEvents(events: Iterable<HistoryEvent>): EventCounts {
  const activities: Record<string, number> = {};
  const calls: Record<string, number> = {};
  let [total, workflowTasks, timers, searchAttributes, others] = [0, 0, 0, 0, 0];
  let names = new Map<string, string>();
  for (const event of events) {
    total++;
    // Event 1 begins another run: numbers begin anew.
    if (String(event.eventId) === '1') names = new Map();
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const name = scheduled.activityType?.name ?? 'unknown';
      names.set(String(event.eventId), name);
      calls[name] = (calls[name] ?? 0) + 1;
    }
    const of = activityEvent(event);
    if (of !== undefined) {
      const name = names.get(String((of as { scheduledEventId?: unknown }).scheduledEventId ?? event.eventId)) ?? 'unknown';
      activities[name] = (activities[name] ?? 0) + 1;
    } else if (event.workflowTaskScheduledEventAttributes ?? event.workflowTaskStartedEventAttributes ?? event.workflowTaskCompletedEventAttributes ?? event.workflowTaskFailedEventAttributes ?? event.workflowTaskTimedOutEventAttributes) workflowTasks++;
    else if (event.timerStartedEventAttributes ?? event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes) timers++;
    else if (event.upsertWorkflowSearchAttributesEventAttributes) searchAttributes++;
    else others++;
  }
  return { total, activities, calls, workflowTasks, timers, searchAttributes, others };
}

function activityEvent(event: HistoryEvent): object | undefined {
  return (
    event.activityTaskScheduledEventAttributes ??
    event.activityTaskStartedEventAttributes ??
    event.activityTaskCompletedEventAttributes ??
    event.activityTaskFailedEventAttributes ??
    event.activityTaskTimedOutEventAttributes ??
    event.activityTaskCancelRequestedEventAttributes ??
    event.activityTaskCanceledEventAttributes ??
    undefined
  );
}
