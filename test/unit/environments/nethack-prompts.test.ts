import { afterEach, describe, expect, it } from 'vitest';
import { ensureAsset, nethackAsset } from '../../../workers/assets/index.js';
import { KEY } from '../../../workers/rollout/environments/nethack/actions.js';
import { Game } from '../../../workers/rollout/environments/nethack/game.js';
import { Player } from '../../../workers/rollout/environments/nethack/player.js';
import { answerKey, promptRule } from '../../../workers/rollout/environments/nethack/prompts.js';
import { STATISTIC_NAMES } from '../../../workers/rollout/environments/nethack/statistics.js';
import { closeGroups, drawActions, isPlayable, openGroup, type Playing } from './nethack-support.js';

const promptOpen = (playing: Playing): boolean => (playing.group.observations['statistics'] as Float32Array)[STATISTIC_NAMES.indexOf('promptOpen')] === 1;
const MONK = { high: 7, low: 11 };

afterEach(closeGroups);

describe.runIf(isPlayable)('questions that the game asks', () => {
  it('stay open for the agent when they are about food: north-west takes the first item offered', async () => {
    const playing = await openGroup();
    playing.start(MONK);
    expect(playing.act('eat')).toBe('What do you want to eat? [fghi or ?*] ');
    expect(promptOpen(playing)).toBe(true);
    expect(playing.act('north-west')).toBe("You're finally finished.");
    expect(promptOpen(playing)).toBe(false);
  });

  it('are declined by any other action, which is not carried out', async () => {
    const playing = await openGroup();
    playing.start(MONK);
    playing.act('eat');
    const turns = playing.statistic('turns');
    expect(playing.act('search')).toBe('Never mind.');
    expect(promptOpen(playing)).toBe(false);
    expect(playing.statistic('turns')).toBe(turns);
  });

  it('take a direction for a kick, and nothing that is no direction', async () => {
    const playing = await openGroup();
    playing.start(MONK);
    expect(playing.act('kick')).toBe('In what direction? ');
    expect(playing.act('south')).toBe('You kick at empty space.');
    playing.act('kick');
    expect(playing.act('far-east')).toBe('');
    expect(promptOpen(playing)).toBe(false);
  });

  it('let the agent pray or think better of it', async () => {
    const playing = await openGroup();
    playing.start(MONK);
    expect(playing.act('pray')).toBe('Are you sure you want to pray? [yn] (n) ');
    expect(playing.act('more')).toBe('Are you sure you want to pray? [yn] (n) n');
    expect(promptOpen(playing)).toBe(false);
    playing.act('pray');
    // Too early in the game for a prayer. The screens in between are passed over.
    expect(playing.act('north-west')).toBe('"Thou must relearn thy lessons!"  You feel foolish!');
    expect(promptOpen(playing)).toBe(false);
  });

  it('let the agent decide about food on the floor, fountains and peaceful monsters', async () => {
    const playing = await openGroup();
    playing.start({ high: 3, low: 1959 });
    expect(playing.replay('OTTMV').text).toBe('There is a food ration here; eat it? [ynq] (n) ');
    playing.start({ high: 3, low: 1002 });
    expect(playing.replay('KOLY').text).toBe('Drink from the fountain? [yn] (n) ');
    playing.start({ high: 3, low: 877 });
    expect(playing.replay('UF').text).toBe('Really attack the kitten? [yn] (n) ');
    expect(promptOpen(playing)).toBe(true);
  });

  it('are declined at once where a step would leave the dungeon for good', async () => {
    const playing = await openGroup();
    playing.start(MONK);
    expect(playing.act('up')).toBe('Beware, there will be no return!  Still climb? [yn] (n) n');
    expect(promptOpen(playing)).toBe(false);
    expect(playing.outcome.terminated[0]).toBe(0);
  });
});

describe.runIf(isPlayable)('actions that mean more than one key', () => {
  it('pick up all things of a heap', async () => {
    const playing = await openGroup();
    playing.start({ high: 3, low: 878 });
    expect(playing.replay('MHHNPPPDPBBN[SBFMJJCBNHED[I\\CGNBEEHPQG[').text).toBe('j - a crude dagger.  k - an orcish helm.');
  });

  it('leave what is too heavy', async () => {
    const playing = await openGroup();
    playing.start({ high: 3, low: 4 });
    expect(playing.replay('RTHNOEGPVMEPLONBE[').text).toBe('You have a little trouble lifting a gnome corpse.  Continue? [ynq] (q) ');
    expect(promptOpen(playing)).toBe(false);
  });

  it('pay for everything without a bill of single items', async () => {
    const playing = await openGroup();
    playing.start({ high: 3, low: 556 });
    const { text } = playing.replay(
      'PCIDJVPLEJMEHNDIYLGYLIHBBN[GKO[CE[DP[OFPLDNKIWHUJDUGIBMQDJORXFIIOFDCNXJLPKIKJMDOOCKIIGRKPQEQCEDHFMLBOHJLLNMHEMDILFNHCCMFIXMPPBCNBCQEPDKSEMEEOLKLFMFL[PNCJFRM[OFPEHMBIEQCICQGNTILGQOQCDBCLCNEHHNSCLIDFLDCKD[[IXGGHLNDECOK[FCBODEFRODG[EHFOQJJMO[[FMDDQVWKHLOUQPIJSHNOGWKVJFCENCMQHBBOQCOJOGMMQ[BBQNSNQPJHIIONJCB[OHBM\\',
    );
    expect(text).toBe("You don't have gold enough to pay for the long sword.");
  });

  it('cast the first spell of the menu, asking for a direction where it needs one', async () => {
    const playing = await openGroup();
    playing.start(MONK);
    expect(playing.act('cast')).toBe("You don't have enough energy to cast that spell.");
    playing.start({ high: 5, low: 5 });
    expect(playing.act('cast')).toBe('The air around you begins to shimmer with a golden haze.');
    playing.start({ high: 5, low: 4 });
    expect(playing.act('cast')).toBe('In what direction? ');
    expect(playing.act('south')).toBe('The little dog looks better.');
  });

  it('raise a skill when the hero feels more confident, and keep that message', async () => {
    class RecordedGame extends Game {
      readonly keys: number[] = [];
      override key(code: number): boolean {
        this.keys.push(code);
        return super.key(code);
      }
    }
    const { library, data } = await ensureAsset(nethackAsset);
    const game = new RecordedGame({ library: library as string, data: data as string }, 'mon-hum-neu-mal');
    try {
      const player = new Player(game);
      const draw = drawActions(366);
      const text = (): string => Buffer.from(player.text()).toString('latin1');
      player.start({ high: 4, low: 366 });
      for (let step = 0; step <= 3266; step++) {
        expect(text()).not.toContain('more confident');
        game.keys.length = 0;
        player.step(draw(step));
      }
      expect(text()).toBe('You feel more confident in your spell casting skills.');
      expect(game.keys.slice(-2)).toEqual([KEY.enhance, KEY.firstItem]);
      expect(Buffer.from(game.message).toString('latin1')).toMatch(/^You are now (more|most) skilled in/);
    } finally {
      game.close();
    }
  });
});

describe('rules for questions', () => {
  it('decline what no rule names', () => {
    expect(promptRule('Still climb? [yn] (n) ')).toBeUndefined();
    expect(promptRule('Do you want to keep the cap? [yn] (n) ')).toBeUndefined();
  });

  it('do not take a remark before the question for the question', () => {
    expect(promptRule('You attack thin air.  Itemized billing? [ynq] (q) ')).toEqual(expect.objectContaining({ key: KEY.no }));
  });

  it('stop a meal that would choke the hero', () => {
    expect(promptRule("You're having a hard time getting all of it down.  Stop eating? [yn] (y) ")).toEqual(expect.objectContaining({ key: KEY.yes }));
  });

  it('answer with the first letter offered, or not at all where none is', () => {
    const north = 'k'.charCodeAt(0);
    expect(answerKey('item', KEY.yes, 'What do you want to drink? [e or ?*] ')).toBe('e'.charCodeAt(0));
    expect(answerKey('item', KEY.yes, 'What do you want to drink? [*] ')).toBe(KEY.escape);
    expect(answerKey('item', north, 'What do you want to drink? [e or ?*] ')).toBe(KEY.escape);
    expect(answerKey('direction', north, 'In what direction? ')).toBe(north);
    expect(answerKey('direction', 's'.charCodeAt(0), 'In what direction? ')).toBe(KEY.escape);
    expect(answerKey('yes-no', KEY.yes, 'Really attack? ')).toBe(KEY.yes);
    expect(answerKey('yes-no', north, 'Really attack? ')).toBe(KEY.escape);
  });
});
