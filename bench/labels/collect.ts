/**
 * Plays NetHack and writes every distinct message with how often it came: `node dist/bench/labels/collect.js <out.jsonl> [games of each player] [steps of a game]`.
 * Deterministic: the same games give the same file.
 */
import { writeFileSync } from 'node:fs';
import { ensureAsset, nethackAsset } from '../../workers/assets/index.js';
import { createStepOutcome } from '../../workers/rollout/environments/environment.js';
import { createNetHackGroup } from '../../workers/rollout/environments/nethack/nethack-group.js';
import { parseNetHackOptions } from '../../workers/rollout/environments/nethack/options.js';
import { STATISTIC_NAMES } from '../../workers/rollout/environments/nethack/statistics.js';
import { explorer, randomPlayer, TEMPERS, type Player } from './players.js';

const [COLUMN, ROW] = [STATISTIC_NAMES.indexOf('column'), STATISTIC_NAMES.indexOf('row')] as const;
const [out, games = '120', steps = '2500'] = process.argv.slice(2);
if (out === undefined) throw new Error('expected the file to write');

/** What is kept of a message. */
interface Seen {
  count: number;
  players: Set<string>;
}
const seen = new Map<string, Seen>();

await ensureAsset(nethackAsset);
const random = ['mon-hum-neu-mal', 'wiz-elf-cha-fem', 'kni-hum-law-mal'];
for (const character of random) await play('random', character, randomPlayer);
for (const temper of TEMPERS) await play(temper.name, temper.character, (seed) => explorer(temper, seed));
const lines = [...seen].sort((a, b) => b[1].count - a[1].count || (a[0] < b[0] ? -1 : 1)).map(([text, { count, players }]) => JSON.stringify({ text, count, players: [...players] }));
writeFileSync(out, `${lines.join('\n')}\n`);

async function play(name: string, character: string, make: (seed: number) => Player): Promise<void> {
  const group = await createNetHackGroup(parseNetHackOptions({ kind: 'nethack', character, episodeStepsMax: Number(steps), observations: ['glyphs', 'statistics'] }), 1);
  const outcome = createStepOutcome(group.spaces, 1);
  const glyphs = group.observations['glyphs'] as Int16Array;
  const statistics = group.observations['statistics'] as Float32Array;
  const action = new Int32Array(1);
  let played = 0;
  for (let game = 0; game < Number(games); game++) {
    const player = make(game);
    group.reset(0, { high: 77, low: game });
    let text = '';
    for (let step = 0; step < Number(steps); step++) {
      action[0] = player({ glyphs, column: statistics[COLUMN]!, row: statistics[ROW]!, text }, step);
      group.step(action, outcome);
      played++;
      text = Buffer.from(outcome.texts[0] as Uint8Array).toString('latin1');
      if (text !== '') count(text, name);
      if (outcome.terminated[0] === 1 || outcome.truncated[0] === 1 || outcome.failed[0] === 1) break;
    }
  }
  group.close();
  console.error(`${name} ${character}: ${played} steps, ${seen.size} distinct messages so far`);
}
function count(text: string, player: string): void {
  const entry = seen.get(text) ?? { count: 0, players: new Set<string>() };
  entry.count += 1;
  entry.players.add(player);
  seen.set(text, entry);
}
