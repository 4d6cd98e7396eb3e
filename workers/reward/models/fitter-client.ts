/** The making of reward models, seen from the main thread. */
import type { FitInput, FitResult } from '../../../proto/activities.js';
import { ThreadClient, threadUrl, type ThreadWork } from '../../threads.js';
import type { FitterThreadData } from './fitter-thread.js';

export class FitterClient {
  private readonly thread: ThreadClient;

  constructor(data: FitterThreadData) {
    this.thread = new ThreadClient(threadUrl(import.meta.url, './fitter-thread.js'), data);
  }

  fit(input: FitInput, work: ThreadWork): Promise<FitResult> {
    return this.thread.call('fit', input, work);
  }

  async close(): Promise<void> {
    await this.thread.close();
  }
}
