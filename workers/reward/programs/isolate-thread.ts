/** The thread in which programs run: one that never ends must not hold up anything else. */
import { serveThread } from '../../threads.js';
import { Isolate, type IsolateLimits, type Outcome } from './isolate.js';

export interface IsolateRequest {
  readonly program: string;
  /** JSON of each unit. */
  readonly units: readonly string[];
  readonly elements: number | null;
  readonly limits: IsolateLimits;
  /** One Int32: units that were begun, for whoever watches. */
  readonly begun: SharedArrayBuffer;
}

const isolate = new Isolate();

serveThread({
  async run({ program, units, elements, limits, begun }: IsolateRequest, { signal }) {
    const counter = new Int32Array(begun);
    const outcomes: Outcome[] = [];
    for (const unit of units) {
      signal.throwIfAborted();
      Atomics.add(counter, 0, 1);
      outcomes.push(await isolate.run(program, unit, elements, limits));
    }
    return outcomes;
  },
});
