/**
 * When a shard is offered to the other workers of the pool. A shard stays where its environments live, which is cheap and
 * would keep a worker that joins later idle for ever. So a worker that plays several shards in turn lets one of them go to
 * whoever takes it from the pool's queue, now and then; where that is this worker again, nothing has to be rebuilt.
 */

/** A move costs one replay at most; so seldom, and only where the replay is short. */
const OFFER_EVERY_MS = 15_000;
const REPLAY_MS_MAX = 1_500;

export class ShardOffers {
  private readonly active = new Set<{ shared: boolean }>();
  private offeredAt: number;

  /** @param now milliseconds of a monotonic clock; decides where work is done, never what comes out */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.offeredAt = now();
  }

  /** A collect call begins; the function that comes back is called at its end and says whether its shard is offered. */
  begin(): (replayMs: () => number) => boolean {
    const call = { shared: this.active.size > 0 };
    for (const other of this.active) other.shared = true;
    this.active.add(call);
    return (replayMs) => {
      this.active.delete(call);
      if (!call.shared || this.now() - this.offeredAt < OFFER_EVERY_MS || replayMs() > REPLAY_MS_MAX) return false;
      this.offeredAt = this.now();
      return true;
    };
  }
}
