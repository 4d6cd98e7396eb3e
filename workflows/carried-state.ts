/**
 * What continue-as-new carries: the state of a run as small as it can be told. The server takes 2 MiB at most; the bounds
 * here keep it far below, whatever the job. Pure.
 *
 * Segments are named once and referred to by number. A reference whose fields follow from the run, the shard and the
 * sequence number is told as a row of numbers and its digest; any other is told whole.
 */
import type { EpisodeSums, SegmentRef } from '../proto/references.js';
import type { AnnotationState, TrainingState } from './training-state.js';

/** Segments that wait for the learner when the run continues as new, at most: with more, the learner works some off first. */
export const READY_CARRIED_MAX = 2_048;
/** Bytes of the carried state, at most, for a thousand shards and any job; a test holds it there. */
export const CARRIED_BYTES_MAX = 1_048_576;

/** What a run carries when it continues as new. */
export interface Carried {
  readonly laurelCarried: 2;
  readonly state: Omit<TrainingState, 'shards' | 'ready' | 'annotations'>;
  readonly segments: PackedSegments;
  /** nextSeq, number of the previous segment or -1, queue (index or -1), segments in a call. */
  readonly shards: readonly (readonly [number, number, number, number])[];
  readonly queues: readonly string[];
  readonly ready: readonly (readonly [segment: number, collectedAtMs: number])[];
  /** A window entry is twice the number of its segment, plus 1 where a call had it. */
  readonly annotations: Readonly<Record<string, Omit<AnnotationState, 'window'> & { readonly window: readonly number[] }>>;
}

interface PackedSegments {
  readonly endpoints: readonly (readonly string[])[];
  readonly shapes: readonly Shape[];
  readonly refs: readonly (PackedSegment | SegmentRef)[];
}

/** What segments of a run have in common; the last two are lengths of the sums over episodes. */
type Shape = readonly [rows: number, schemaVersion: number, environments: number, steps: number, returns: number, statistics: number];

/** shard, seq, policy version, bytes, shape, endpoints, digest without its prefix, sums over episodes (absent: none ended). */
type PackedSegment = readonly [number, number, number, number, number, number, string, EpisodeSums?];

/** As runs carried it that began before it was told in short. */
interface CarriedWhole {
  readonly laurelCarried: 1;
  readonly state: TrainingState;
}

export function isCarried(input: unknown): input is Carried | CarriedWhole {
  if (typeof input !== 'object' || input === null || !('state' in input)) return false;
  const { laurelCarried } = input as { readonly laurelCarried?: unknown };
  return laurelCarried === 1 || laurelCarried === 2;
}

export function pack(state: TrainingState): Carried {
  const { shards, ready, annotations, ...rest } = state;
  const table = new SegmentTable(state.run);
  const queues: string[] = [];
  const carried = {
    shards: shards.map(({ nextSeq, previous, queue, segmentsPerCall }) => [nextSeq, previous === null ? -1 : table.add(previous), queue === null ? -1 : indexIn(queues, queue, Object.is), segmentsPerCall] as const),
    ready: ready.map(({ ref, collectedAtMs }) => [table.add(ref), collectedAtMs] as const),
    annotations: Object.fromEntries(Object.entries(annotations).map(([source, one]) => [source, { ...one, window: one.window.map(({ ref, seen }) => 2 * table.add(ref) + (seen ? 1 : 0)) }])),
  };
  return { laurelCarried: 2, state: rest, segments: table.packed(), queues, ...carried };
}

export function unpack(carried: Carried | CarriedWhole): TrainingState {
  if (carried.laurelCarried === 1) return carried.state;
  const { state, segments, shards, queues, ready, annotations } = carried;
  const refs = unpackSegments(state.run, segments);
  const at = (index: number): SegmentRef => refs[index]!;
  return {
    ...state,
    shards: shards.map(([nextSeq, previous, queue, segmentsPerCall]) => ({ nextSeq, previous: previous < 0 ? null : at(previous), queue: queue < 0 ? null : queues[queue]!, segmentsPerCall })),
    ready: ready.map(([index, collectedAtMs]) => ({ ref: at(index), collectedAtMs })),
    annotations: Object.fromEntries(Object.entries(annotations).map(([source, one]) => [source, { ...one, window: one.window.map((entry) => ({ ref: at(Math.floor(entry / 2)), seen: entry % 2 === 1 })) }])),
  };
}

class SegmentTable {
  private readonly refs: (PackedSegment | SegmentRef)[] = [];
  private readonly numbers = new Map<string, number>();
  private readonly endpoints: (readonly string[])[] = [];
  private readonly shapes: Shape[] = [];

  constructor(private readonly run: string) {}

  add(ref: SegmentRef): number {
    const known = this.numbers.get(ref.key);
    if (known !== undefined) return known;
    const number = this.refs.push(this.pack(ref)) - 1;
    this.numbers.set(ref.key, number);
    return number;
  }

  packed(): PackedSegments {
    return { endpoints: this.endpoints, shapes: this.shapes, refs: this.refs };
  }

  private pack(ref: SegmentRef): PackedSegment | SegmentRef {
    const { key, digest, bytes, rows, schemaVersion, endpoints, shard, seq, policyVersion, environments, steps, episodes } = ref;
    // A field that is not known here must not be lost.
    if (Object.keys(ref).length !== 12 || key !== segmentKey(this.run, shard, seq) || !digest.startsWith(DIGEST_PREFIX)) return ref;
    const shape = indexIn<Shape>(this.shapes, [rows, schemaVersion, environments, steps, episodes.returnSums.length, episodes.statisticSums.length], sameItems);
    const packed = [shard, seq, policyVersion, bytes, shape, indexIn(this.endpoints, endpoints, sameItems), digest.slice(DIGEST_PREFIX.length)] as const;
    return isEmpty(episodes) ? packed : [...packed, episodes];
  }
}

const DIGEST_PREFIX = 'sha256:';

/** No episode ended in the segment. */
function isEmpty({ count, failed, nondeterministic, lengthSum, returnSums, statisticSums }: EpisodeSums): boolean {
  return nondeterministic === undefined && [count, failed, lengthSum, ...returnSums, ...statisticSums].every((value) => value === 0);
}

function emptySums(returns: number, statistics: number): EpisodeSums {
  const zeros = (length: number): number[] => new Array<number>(length).fill(0);
  return { count: 0, failed: 0, lengthSum: 0, returnSums: zeros(returns), statisticSums: zeros(statistics) };
}

/** As workers/store/layout.ts names it; a reference that is named otherwise is carried whole. */
function segmentKey(run: string, shard: number, seq: number): string {
  const digits = (value: number): string => String(value).padStart(10, '0');
  return `runs/${run}/segments/${digits(shard)}/${digits(seq)}.arrow`;
}

function unpackSegments(run: string, { endpoints, shapes, refs }: PackedSegments): SegmentRef[] {
  return refs.map((ref) => {
    if (!Array.isArray(ref)) return ref as SegmentRef;
    const [shard, seq, policyVersion, bytes, shape, place, digest, episodes] = ref as PackedSegment;
    const [rows, schemaVersion, environments, steps, returns, statistics] = shapes[shape]!;
    return { key: segmentKey(run, shard, seq), digest: `${DIGEST_PREFIX}${digest}`, bytes, rows, schemaVersion, endpoints: endpoints[place]!, shard, seq, policyVersion, environments, steps, episodes: episodes ?? emptySums(returns, statistics) };
  });
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

function indexIn<T>(list: T[], item: T, same: (a: T, b: T) => boolean): number {
  const known = list.findIndex((one) => same(one, item));
  return known >= 0 ? known : list.push(item) - 1;
}
