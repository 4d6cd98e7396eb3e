/**
 * The rules of the grid world: rooms in a row, each behind a locked door, the key of each door in the room before it, the
 * goal in the last room. Pure game logic; drawing and texts are elsewhere.
 */
import { CounterRandom } from '../../../../proto/philox.js';
import type { EpisodeSeed } from '../environment.js';

export const COLOURS = ['red', 'blue', 'green', 'yellow', 'purple', 'grey'] as const;
export const ACTIONS = ['north', 'east', 'south', 'west', 'pick up'] as const;
/** Actions below this one move. */
export const PICK_UP = 4;

/** What a cell holds; coloured things come six in a row, one id for each colour. */
export const CELL = { outside: 0, floor: 1, wall: 2, goal: 3, key: 4, ball: 10, box: 16, lockedDoor: 22, openDoor: 28 } as const;
export const CELL_COUNT = 34;
const COLOUR_COUNT = COLOURS.length;
const STEP_X = [0, 1, 0, -1];
const STEP_Y = [-1, 0, 1, 0];

export type EventKind = 'none' | 'wall' | 'locked' | 'wrong-key' | 'here' | 'picked' | 'fixed' | 'nothing-here' | 'hands-full' | 'unlocked' | 'through' | 'goal';

export interface WorldOptions {
  readonly size: number;
  readonly rooms: number;
  readonly distractors: number;
}

export class World {
  readonly width: number;
  readonly height: number;
  readonly cells: Uint8Array;
  x = 0;
  y = 0;
  facing = 1;
  /** Cell id of what is carried; 0: nothing. */
  carried = 0;
  keysPicked = 0;
  doorsOpened = 0;
  doorsPassed = 0;
  atGoal = false;
  private readonly passed = new Set<number>();

  constructor(private readonly options: WorldOptions) {
    this.width = options.rooms * (options.size + 1) + 1;
    this.height = options.size + 2;
    this.cells = new Uint8Array(this.width * this.height);
  }

  /** Lays out a world, a pure function of the seed. */
  reset(seed: EpisodeSeed): void {
    const random = new CounterRandom(seed.low, 'environment');
    let draws = 0;
    const below = (bound: number): number => Math.floor(random.uniform(draws++, seed.high) * bound);
    const { size, rooms, distractors } = this.options;
    const colours = shuffled(COLOUR_COUNT, below);
    this.cells.fill(CELL.floor);
    for (let x = 0; x < this.width; x++) this.cells[x] = this.cells[(this.height - 1) * this.width + x] = CELL.wall;
    for (let room = 0; room <= rooms; room++) for (let y = 0; y < this.height; y++) this.cells[y * this.width + room * (size + 1)] = CELL.wall;
    for (let door = 1; door < rooms; door++) {
      this.cells[(1 + below(size)) * this.width + door * (size + 1)] = CELL.lockedDoor + (colours[(door - 1) % COLOUR_COUNT] as number);
      this.place(CELL.key + (colours[(door - 1) % COLOUR_COUNT] as number), door - 1, below);
    }
    this.place(CELL.goal, rooms - 1, below);
    for (let index = 0; index < distractors; index++) this.place((index % 2 === 0 ? CELL.ball : CELL.box) + below(COLOUR_COUNT), below(rooms), below);
    [this.x, this.y] = this.freeCell(0, below);
    this.facing = below(4);
    this.carried = 0;
    this.keysPicked = this.doorsOpened = this.doorsPassed = 0;
    this.atGoal = false;
    this.passed.clear();
  }

  /** What the action led to, and the thing it was about. */
  act(action: number): { readonly kind: EventKind; readonly thing: number } {
    return action < PICK_UP ? this.move(action) : this.pickUp();
  }

  private pickUp(): { kind: EventKind; thing: number } {
    const at = this.y * this.width + this.x;
    const here = this.cells[at] as number;
    if (!isItem(here)) return { kind: 'nothing-here', thing: here };
    if (!isKey(here)) return { kind: 'fixed', thing: here };
    if (this.carried !== 0) return { kind: 'hands-full', thing: this.carried };
    this.carried = here;
    this.cells[at] = CELL.floor;
    this.keysPicked += 1;
    return { kind: 'picked', thing: here };
  }

  private move(direction: number): { kind: EventKind; thing: number } {
    this.facing = direction;
    const at = (this.y + (STEP_Y[direction] as number)) * this.width + this.x + (STEP_X[direction] as number);
    const target = this.cells[at] as number;
    if (target === CELL.wall) return { kind: 'wall', thing: target };
    if (isLocked(target)) return this.unlock(at, target);
    this.x += STEP_X[direction] as number;
    this.y += STEP_Y[direction] as number;
    if (target === CELL.goal) {
      this.atGoal = true;
      return { kind: 'goal', thing: target };
    }
    if (isOpen(target)) {
      if (!this.passed.has(at)) {
        this.passed.add(at);
        this.doorsPassed += 1;
      }
      return { kind: 'through', thing: target };
    }
    return isItem(target) ? { kind: 'here', thing: target } : { kind: 'none', thing: target };
  }

  /** A locked door opens to whoever walks into it with the key of its colour; the key stays in the lock. */
  private unlock(at: number, door: number): { kind: EventKind; thing: number } {
    if (this.carried === 0) return { kind: 'locked', thing: door };
    if (colourOf(this.carried) !== colourOf(door)) return { kind: 'wrong-key', thing: door };
    this.cells[at] = CELL.openDoor + colourOf(door);
    this.carried = 0;
    this.doorsOpened += 1;
    return { kind: 'unlocked', thing: door };
  }

  private place(thing: number, room: number, below: (bound: number) => number): void {
    const [x, y] = this.freeCell(room, below);
    this.cells[y * this.width + x] = thing;
  }

  /** A floor cell of a room that is free; rooms of at least 4 x 4 always have one. */
  private freeCell(room: number, below: (bound: number) => number): [number, number] {
    const { size } = this.options;
    for (;;) {
      const x = room * (size + 1) + 1 + below(size);
      const y = 1 + below(size);
      if (this.cells[y * this.width + x] === CELL.floor) return [x, y];
    }
  }
}

export function colourOf(thing: number): number {
  return (thing - CELL.key) % COLOUR_COUNT;
}
export function isKey(thing: number): boolean {
  return thing >= CELL.key && thing < CELL.ball;
}
export function isItem(thing: number): boolean {
  return thing >= CELL.key && thing < CELL.lockedDoor;
}
export function isLocked(thing: number): boolean {
  return thing >= CELL.lockedDoor && thing < CELL.openDoor;
}
export function isOpen(thing: number): boolean {
  return thing >= CELL.openDoor && thing < CELL_COUNT;
}

function shuffled(count: number, below: (bound: number) => number): number[] {
  const items = Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = below(last + 1);
    [items[last], items[other]] = [items[other] as number, items[last] as number];
  }
  return items;
}
