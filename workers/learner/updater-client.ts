/** The learner's machinery, seen from the main thread. */
import type { CheckpointInput, PrepareRunInput, PrepareRunResult, UpdateInput } from '../../proto/activities.js';
import type { UpdateRef } from '../../proto/references.js';
import type { RestoreResult, RestoreVersionInput } from '../../proto/restoration.js';
import { ThreadClient, threadUrl, type ThreadWork } from '../threads.js';
import type { UpdaterThreadData } from './updater-thread.js';
import type { Updater } from './updater.js';

export class UpdaterClient {
  private readonly thread: ThreadClient;

  constructor(data: UpdaterThreadData) {
    this.thread = new ThreadClient(threadUrl(import.meta.url, './updater-thread.js'), data);
  }

  prepareRun(input: PrepareRunInput): Promise<PrepareRunResult> {
    return this.thread.call('prepareRun', input);
  }

  update(input: UpdateInput, work: ThreadWork): ReturnType<Updater['update']> {
    return this.thread.call('update', input, work);
  }

  writeCheckpoint(input: CheckpointInput, work: ThreadWork): Promise<UpdateRef | null> {
    return this.thread.call('writeCheckpoint', input, work);
  }

  restoreVersion(input: RestoreVersionInput, work: ThreadWork): Promise<RestoreResult> {
    return this.thread.call('restoreVersion', input, work);
  }

  async close(): Promise<void> {
    await this.thread.close();
  }
}
