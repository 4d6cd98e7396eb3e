import { describe, expect, it } from 'vitest';
import { formatBar, formatCount, formatDuration, formatName, formatNumber, formatShare, printable } from '../../../infra/screen/format.js';
import { clip, PlainScreen, TerminalScreen } from '../../../infra/screen/live-screen.js';
import { RateWindow, UNKNOWN } from '../../../infra/screen/rates.js';
import { evaluationTable, plainLine, screenLines, stopText } from '../../../infra/screen/screen-lines.js';
import { COLOURED, PLAIN } from '../../../infra/screen/view.js';
import type { RunStatus } from '../../../proto/status.js';
import { runDetails } from '../../../workflows/run-details.js';
import { STATUS, VIEW } from './status-fixture.js';

describe('the live screen', () => {
  it('shows what an operator needs, in this order', () => {
    expect(screenLines(VIEW, PLAIN)).toEqual([
      'Laurel  nethack-oni  running  3:12',
      '  █████████████░░░░░░░░░░░░░░░░░░░ 42 %  212,100 of 500,000 transitions  about 4:20 left',
      '',
      '  transitions 1,216/s, 212,100 trained, 218,112 collected',
      '  policy      version 57, lag 1 (at most 4), checkpoint 40, 1,234,567 parameters',
      '  labels      812 made, 1,034 known, 122 waiting, 3 unparsable, 4.81/s',
      '  reward      total 0.0126, game 0.00123, helpful 0.0312 (12 % unknown)',
      '  learner     loss 0.012, policy loss -0.0031, value loss 0.2, entropy 2.91',
      '  episodes    124 ended, return 31.3, depth max 1.42, 512 steps',
      '  segments    420 collected: 410 trained, 2 stale, 8 open (3 queued)',
      '  waits       learner waits: no scored batch (and 1 more)',
      '  workers     5 of 5 ready',
      '  look at     http://127.0.0.1:8233/namespaces/default/workflows/nethack-oni',
    ]);
  });

  it('shows how far the judge is to be trusted, what pays most, and what looks suspicious', () => {
    const quality = { agreement: { of: 190, count: 57, positives: 20, accuracy: 0.877, kappa: 0.7, auc: 0.9, brier: 0.1, ece: 0.0812 }, drift: { early: 0.5, late: 0.2, z: 4.1 } };
    const top = [{ key: 'You kill\u0007the newt!', paid: 70, count: 70, share: 0.78 }];
    const rewardQuality = { versions: [1, 64], segments: 24, sources: [{ source: 'helpful', observations: 100, known: 90, paid: 90, paying: 4, top }], warnings: [{ kind: 'one-message', source: 'helpful', key: 'You kill\u0007the newt!', share: 0.78, shareMax: 0.5 }] } as const;
    const status = { ...STATUS, annotations: STATUS.annotations.map((one) => ({ ...one, quality })), rewardQuality };
    const lines = screenLines({ ...VIEW, status }, PLAIN);
    expect(lines).toContain('  judge       agrees with 87 % of 57 labelled messages (kappa 0.7), calibration error 0.0812; positive rate went from 50 % to 20 %');
    expect(lines).toContain('  pays        helpful: "You kill the newt!" brings 78 %; 90 % of messages known');
    expect(lines).toContain('  suspicious  helpful: one message brings 78 % of its reward: "You kill the newt!"');
    expect(runDetails(status)).toContain('> **Looks suspicious.** helpful: one message brings 78 % of its reward: You kill the newt\\!');
  });

  it('says before the first answer what it waits for', () => {
    const lines = screenLines({ ...VIEW, status: undefined, waitingFor: 'the first answer', workers: { ready: 2, total: 5, down: [] } }, PLAIN);
    expect(lines).toContain('  waiting     the first answer');
    expect(lines).toContain('  workers     2 of 5 ready');
  });

  it('shows a worker that died, and what happened last', () => {
    const events = ['one', 'two', 'three', 'four', 'worker rollout died (signal SIGKILL)'];
    const lines = screenLines({ ...VIEW, events, workers: { ready: 4, total: 5, down: ['rollout'] } }, PLAIN);
    expect(lines).toContain('  workers     4 of 5 ready, down: rollout');
    expect(lines.slice(-4)).toEqual(['  · two', '  · three', '  · four', '  · worker rollout died (signal SIGKILL)']);
  });

  it('shows calls that fail and are tried again, which the run itself does not see', () => {
    const retries = ['update failed 3 times: LAUREL_STORE_UNAVAILABLE the disk is full'];
    expect(screenLines({ ...VIEW, retries }, PLAIN)).toContain('  tries again update failed 3 times: LAUREL_STORE_UNAVAILABLE the disk is full');
    expect(plainLine({ ...VIEW, retries })).toContain('| tries again: update failed 3 times');
  });

  it('tells how a parked step is decided, and shows its message without control characters', () => {
    const attention = [{ id: '2', step: 'collect shard 3', code: 'LAUREL_ASSET_MISSING', message: 'no library\u001b[2J\nhere', choices: ['retry', 'skip', 'stop'] as const, sinceMs: 0 }];
    const lines = screenLines({ ...VIEW, status: { ...STATUS, state: 'NeedsAttention', attention } }, PLAIN);
    expect(lines[0]).toContain('needs attention');
    expect(lines).toContain('  needs attention: collect shard 3 failed with LAUREL_ASSET_MISSING');
    expect(lines).toContain('    no library [2J here');
    expect(lines).toContain('    decide with: laurel retry nethack-oni --attention 2   laurel skip nethack-oni --attention 2   laurel stop nethack-oni');
  });

  it('tells who paused it and when, and what it was told last', () => {
    const at = Date.UTC(2026, 4, 1, 12, 30, 5);
    const paused: RunStatus = { ...STATUS, state: 'Paused', controls: [{ action: 'pause', by: 'ann_b', atMs: at }] };
    expect(screenLines({ ...VIEW, status: paused }, PLAIN)).toContain('  paused      2026-05-01 12:30:05 UTC by ann_b; laurel resume nethack-oni goes on');
    expect(runDetails(paused)).toContain('> **Paused by ann\\_b at 2026-05-01 12:30:05 UTC.** Send the update `resume` to go on.');

    const goesOn: RunStatus = {
      ...STATUS,
      controls: [...paused.controls!, { action: 'resume', by: null, atMs: at + 60_000 }],
      steers: [{ change: { weights: { game: 0.2 }, by: 'ben' }, atMs: at + 30_000, version: 7, collected: 20, trained: 14 }],
      decisions: [{ id: '1', step: 'collect shard 1', code: 'LAUREL_STORE_UNAVAILABLE', decision: 'retry', by: 'laurel', sinceMs: at, decidedAtMs: at + 45_000 }],
    };
    expect(screenLines({ ...VIEW, status: goesOn }, PLAIN)).toContain('  told        2026-05-01 12:31:05 UTC: resume');
    expect(runDetails(goesOn)).toContain(
      ['Told:', '', '- 2026-05-01 12:30:05 UTC by ann\\_b: pause', '- 2026-05-01 12:30:35 UTC by ben: steer: weights \\{"game":0.2\\}, from version 7 on', '- 2026-05-01 12:30:50 UTC by itself: retry: collect shard 1 \\(LAUREL\\_STORE\\_UNAVAILABLE\\)', '- 2026-05-01 12:31:05 UTC: resume'].join('\n'),
    );
  });

  it('shows no time left where the run stands still or is over', () => {
    for (const state of ['Paused', 'Finishing', 'Completed'] as const) expect(screenLines({ ...VIEW, status: { ...STATUS, state } }, PLAIN)[1]).not.toContain('left');
  });

  it('names each annotator where there are several', () => {
    const [one] = STATUS.annotations;
    const lines = screenLines({ ...VIEW, status: { ...STATUS, annotations: [one!, { ...one!, source: 'safe', failed: 7 }] } }, PLAIN);
    expect(lines.find((line) => line.includes('labels: safe'))).toContain('7 failed');
  });

  it('is one line for a log', () => {
    expect(plainLine(VIEW)).toBe(
      'nethack-oni Running 42 % | 4:20 left | 212,100 transitions, 1,216/s | version 57, lag 1 | labels 812 made, 1,034 known, 122 waiting, 3 unparsable, 4.81/s | ' +
        'reward total 0.0126, game 0.00123, helpful 0.0312 (12 % unknown) | loss 0.012, policy loss -0.0031, value loss 0.2, entropy 2.91 | episodes 124 ended, return 31.3, depth max 1.42, 512 steps',
    );
  });

  it('sets evaluations side by side', () => {
    const evaluation = (version: number, means: object) => ({ version, episodes: 8, means, key: '', digest: '', bytes: 0, rows: 0, schemaVersion: 1, endpoints: [] }) as never;
    expect(evaluationTable([evaluation(0, { 'return.goal': { mean: 0.5, halfWidth: 0.25 } }), evaluation(59, { 'return.goal': { mean: 0.625, halfWidth: 0.4 }, steps: { mean: 12, halfWidth: 1 } })])).toEqual([
      '              version 0 (8 episodes)   version 59 (8 episodes)',
      'return goal               0.5 ± 0.25               0.625 ± 0.4',
      'steps                              -                    12 ± 1',
    ]);
    expect(evaluationTable([])).toEqual([]);
  });

  it('shows how far each stop criterion is', () => {
    expect(stopText({ ...STATUS, stop: { versions: 1000, runMs: 600_000 } })).toBe('57 of 1,000 versions, 3:12 of 10:00');
  });
});

/** Follows the cursor of a terminal as far as the screen uses it. */
class Terminal {
  columns = 200;
  rows = 50;
  lines: string[] = [''];
  private row = 0;
  private readonly listeners: (() => void)[] = [];

  readonly write = (text: string): boolean => {
    // eslint-disable-next-line no-control-regex -- a terminal is made of them
    for (const [, up, clear, newline, other] of text.matchAll(/\u001b\[(\d+)A|(\u001b\[0J)|(\n)|\r|(?:\u001b\[[0-9;?]*[a-zA-Z])|([^\u001b\r\n]+)/g)) {
      if (up) this.row -= Number(up);
      else if (clear) this.lines = [...this.lines.slice(0, this.row), ''];
      else if (newline) this.lines[++this.row] ??= '';
      else if (other) this.lines[this.row] += other;
    }
    return true;
  };
  on(_event: string, listener: () => void): this {
    this.listeners.push(listener);
    return this;
  }
  off(): this {
    return this;
  }
  resize(columns: number): void {
    this.columns = columns;
    for (const listener of this.listeners) listener();
  }
}

describe('drawing on a terminal', () => {
  it('replaces the last frame and keeps what was said above it', () => {
    const terminal = new Terminal();
    const screen = new TerminalScreen(terminal as never, COLOURED);
    screen.show(VIEW);
    const height = screenLines(VIEW, PLAIN).length;
    expect(terminal.lines).toHaveLength(height + 1);
    screen.show({ ...VIEW, elapsedMs: 193_000 });
    expect(terminal.lines).toHaveLength(height + 1);
    expect(terminal.lines[0]).toContain('3:13');
    screen.say('a worker died');
    expect(terminal.lines[0]).toBe('a worker died');
    expect(terminal.lines.filter((line) => line.includes('Laurel'))).toHaveLength(1);
  });

  it('never draws more than the window holds', () => {
    const terminal = new Terminal();
    terminal.columns = 40;
    terminal.rows = 8;
    new TerminalScreen(terminal as never, PLAIN).show(VIEW);
    expect(terminal.lines.length).toBeLessThanOrEqual(8);
    expect(Math.max(...terminal.lines.map((line) => line.length))).toBeLessThan(40);
  });

  it('cuts a coloured line by what is seen, and keeps its colours closed', () => {
    expect(clip(`${COLOURED.bold('abcdef')}gh`, 4)).toBe('\u001b[1mabcd\u001b[0m');
  });
});

describe('a log instead of a terminal', () => {
  it('gets a line when the state changes and one in ten seconds', () => {
    const lines: string[] = [];
    let now = 0;
    const screen = new PlainScreen((line) => lines.push(line), () => now);
    screen.show(VIEW);
    now = 5_000;
    screen.show(VIEW);
    expect(lines).toHaveLength(1);
    now = 10_000;
    screen.show(VIEW);
    expect(lines).toHaveLength(2);
    now = 10_500;
    screen.show({ ...VIEW, status: { ...STATUS, state: 'Paused' } });
    expect(lines).toHaveLength(3);
  });
});

describe('speeds', () => {
  const at = (progress: number, made: number, state: 'Running' | 'Paused' = 'Running') => ({ progress, state, transitionsCollected: 1000 * made, annotations: [{ ...STATUS.annotations[0]!, made }] });

  it('are those of the last two minutes', () => {
    const window = new RateWindow();
    window.add(at(0, 0), 0);
    for (let second = 600; second <= 720; second += 10) window.add(at(0.5 + (second - 600) * 0.001, second), second * 1000);
    const { labelsPerSecond, leftMs, transitionsPerSecond } = window.rates();
    expect(labelsPerSecond).toBeCloseTo(1, 9);
    expect(transitionsPerSecond).toBeCloseTo(1000, 9);
    // It stands still: the speed falls to 0 within half a minute, the time left does not jump.
    for (let second = 730; second <= 760; second += 10) window.add(at(0.62, 720), second * 1000);
    expect(window.rates().transitionsPerSecond).toBe(0);
    expect(window.rates().labelsPerSecond).toBeCloseTo(80 / 120, 9);
    expect(leftMs).toBeCloseTo(380_000, 3);
  });

  it('are unknown at first, and again after a pause', () => {
    const window = new RateWindow();
    window.add(at(0, 0), 0);
    window.add(at(0.1, 5), 1_000);
    expect(window.rates()).toEqual(UNKNOWN);
    window.add(at(0.2, 9), 60_000);
    expect(window.rates().leftMs).toBeDefined();
    window.add(at(0.2, 9, 'Paused'), 61_000);
    expect(window.rates().leftMs).toBeUndefined();
  });
});

describe('numbers for people', () => {
  it('are grouped, short and never 100 % before the end', () => {
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(['0', '999', '1,000', '1,234,567']);
    expect([0, 0.00001234, 0.0123456, 12.345, 12345.6, -3.14159].map(formatNumber)).toEqual(['0', '1.2e-5', '0.0123', '12.3', '12,346', '-3.14']);
    expect([900, 59_400, 187_000, 3_723_000].map(formatDuration)).toEqual(['1 s', '59 s', '3:07', '1:02:03']);
    expect([0, 0.999, 1, 1.2].map(formatShare)).toEqual(['0 %', '99 %', '100 %', '100 %']);
    expect(formatBar(0.5, 4)).toBe('██░░');
    expect(formatName('maxDepth_of-all')).toBe('max depth of all');
    expect(printable('a\u001b]0;title\u0007b\nc')).toBe('a ]0;title b c');
  });
});
