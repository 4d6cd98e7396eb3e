/** Fits in a thread: a step blocks its thread for as long as it lasts. */
import type { FitModelInput, FitModelResult } from '../../proto/preference-activities.js';
import { ThreadClient, threadUrl, type ThreadWork } from '../threads.js';
import type { ModelThreadData } from './model-thread.js';

export class ModelClient {
  private readonly thread: ThreadClient;

  constructor(data: ModelThreadData) {
    this.thread = new ThreadClient(threadUrl(import.meta.url, './model-thread.js'), data);
  }

  fitModel(input: FitModelInput, work: ThreadWork): Promise<FitModelResult> {
    return this.thread.call('fitModel', input, work);
  }

  async close(): Promise<void> {
    await this.thread.close();
  }
}
