/**
 * Digests of whole episodes: every observation byte, reward, ending and text. Run as a program it prints them, started
 * as a thread it posts them, so that a test can compare processes and threads.
 */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort } from 'node:worker_threads';
import { closeGroups, drawActions, openGroup, type Playing } from './nethack-support.js';

const EPISODES = 10;
const STEPS_MAX = 600;

function digestEpisode(playing: Playing, episode: number): string {
  const hash = createHash('sha256');
  const draw = drawActions(episode);
  const observe = (): void => {
    for (const [name, buffer] of Object.entries(playing.group.observations)) hash.update(name).update(new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength));
  };
  playing.start({ high: 0x5eed, low: episode });
  observe();
  for (let step = 0; step < STEPS_MAX; step++) {
    const text = playing.act(draw(step));
    const { rewards, terminated, truncated, failed } = playing.outcome;
    hash.update(new Uint8Array(rewards.buffer)).update(terminated).update(truncated).update(failed).update(text);
    observe();
    if (terminated[0] === 1 || truncated[0] === 1 || failed[0] === 1) break;
  }
  hash.update(new Uint8Array(playing.group.statistics(0).buffer));
  return hash.digest('hex');
}

/** One digest for each of ten episodes. `backwards`: play them in the other order; the digests must not care. */
export async function digestEpisodes(backwards = false): Promise<string[]> {
  const playing = await openGroup({ observations: ['glyphs_crop', 'message', 'statistics', 'glyphs'] });
  const order = Array.from({ length: EPISODES }, (_, episode) => (backwards ? EPISODES - 1 - episode : episode));
  const digests: string[] = [];
  for (const episode of order) digests[episode] = digestEpisode(playing, episode);
  closeGroups();
  return digests;
}

if (!isMainThread && parentPort) parentPort.postMessage(await digestEpisodes());
else if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(JSON.stringify(await digestEpisodes()));
