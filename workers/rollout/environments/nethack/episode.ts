/** One place of a group: a game, its player, and the counts of the episode that runs in it. */
import type { NetHackSpec } from '../../../../proto/environments.js';
import type { EpisodeSeed } from '../environment.js';
import { Game } from './game.js';
import type { NetHackAssets } from './game-folder.js';
import { INTERNAL, STATUS } from './layout.js';
import { countSeen, Exploration, isBesideOracle } from './map.js';
import { Player } from './player.js';
import { CONDITION_HALLUCINATING } from './statistics.js';
import { TASKS, type StepFacts, type TaskResult } from './tasks.js';

export class Episode {
  readonly game: Game;
  readonly player: Player;
  private readonly exploration = new Exploration();
  private square = -1;
  private readonly task;
  private readonly facts: { -readonly [K in keyof StepFacts]: StepFacts[K] } = {
    scoreBefore: 0,
    scoreAfter: 0,
    turnBefore: 0,
    turnAfter: 0,
    levelNumber: 0,
    arrivedByStairs: false,
    besideOracle: false,
    hallucinating: false,
  };
  /** What the last step was worth. */
  readonly result: TaskResult = { reward: 0, success: false };
  /** Agent steps of this episode. */
  steps = 0;
  /** False before the first `start`, after the end of an episode and after a failed start. */
  active = false;

  constructor(
    assets: NetHackAssets,
    private readonly options: NetHackSpec,
  ) {
    this.game = new Game(assets, options.character);
    this.player = new Player(this.game);
    this.task = TASKS[options.task];
  }

  start(seed: EpisodeSeed): void {
    this.active = false;
    this.steps = 0;
    this.result.reward = 0;
    this.result.success = false;
    this.player.start(seed);
    this.active = true;
    this.facts.scoreAfter = this.status(STATUS.score);
    this.facts.turnAfter = this.status(STATUS.turn);
    this.exploration.clear();
    this.explore();
  }

  /** Plays one action; `result`, the game's buffers and the player's flags tell what came of it. */
  step(action: number): void {
    const { facts, player, result } = this;
    facts.scoreBefore = facts.scoreAfter;
    facts.turnBefore = facts.turnAfter;
    player.step(action);
    this.steps++;
    if (player.failed) {
      // The numbers of a library that gave up mean nothing: the step is worth nothing.
      result.reward = 0;
      result.success = false;
      this.active = false;
      return;
    }
    // After the very last screen the status numbers are zero: an ending without a screen of its own changed nothing.
    if (this.game.inNormalGame) {
      facts.scoreAfter = this.status(STATUS.score);
      facts.turnAfter = this.status(STATUS.turn);
    }
    facts.levelNumber = this.status(STATUS.levelNumber);
    facts.arrivedByStairs = player.arrivedByStairs;
    if (this.options.task === 'oracle') {
      facts.besideOracle = isBesideOracle(this.game.glyphs, this.status(STATUS.column), this.status(STATUS.row));
      facts.hallucinating = (this.status(STATUS.conditions) & CONDITION_HALLUCINATING) !== 0;
    }
    this.task.judge(facts, this.options, result);
    if (this.hasMoved() || player.terminated) this.explore();
    if (player.terminated || result.success) this.active = false;
  }

  /** In the order of EPISODE_STATISTICS. */
  statistics(): Float32Array {
    return Float32Array.of(
      this.game.internal[INTERNAL.deepestLevel] as number,
      this.status(STATUS.experienceLevel),
      this.status(STATUS.experiencePoints),
      this.status(STATUS.gold),
      this.status(STATUS.score),
      this.exploration.total,
      this.status(STATUS.turn),
      this.result.success ? 1 : 0,
    );
  }

  close(): void {
    this.active = false;
    this.game.close();
  }

  private status(index: number): number {
    return this.game.status[2 * index] as number;
  }

  /** True where the map may show more than at the last count: time has passed or the hero stands elsewhere. */
  private hasMoved(): boolean {
    const square = (this.status(STATUS.row) << 8) | this.status(STATUS.column);
    const moved = square !== this.square || this.facts.turnAfter !== this.facts.turnBefore;
    this.square = square;
    return moved;
  }

  private explore(): void {
    this.exploration.see(this.status(STATUS.dungeon), this.status(STATUS.levelNumber), countSeen(this.game.glyphs, this.game.glyphQuads));
  }
}
