/** Text tasks: hand-computed grades, and what every task promises. */
import { describe, expect, it } from 'vitest';
import { environmentSchemas } from '../../../proto/environments.js';
import { bestPairing, boxIou, generalisedIou, temporalIou } from '../../../workers/text/geometry.js';
import { isHeldOut, evaluationPrompt, TrainingPrompts } from '../../../workers/text/prompts.js';
import { denseRewards } from '../../../workers/text/tasks/adventure.js';
import { faultIn } from '../../../workers/text/tasks/detection.js';
import { ideaScores } from '../../../workers/text/tasks/ideas.js';
import { progressive } from '../../../workers/text/tasks/boxes.js';
import { textTask } from '../../../workers/text/tasks/registry.js';
import type { Json } from '../../../workers/text/tasks/task.js';
import { bestMoves, outcomeOf, outcomeOfMove } from '../../../workers/text/tic-tac-toe.js';
import { matchScore, parseCalls } from '../../../workers/text/tasks/tool-call.js';

function taskOf(name: string) {
  const spec = environmentSchemas.parse({ kind: 'text', task: { name } });
  if (spec.kind !== 'text') throw new Error('expected an environment of texts');
  return textTask(spec.task);
}

function graded(name: string, completion: string, truth: Json): Record<string, number> {
  const task = taskOf(name);
  return Object.fromEntries(task.grade(completion, truth).map((value, index) => [task.rewards[index]!, value]));
}

describe.each(['json-recipe', 'tool-call', 'multiple-choice', 'tracks', 'boxes', 'detection', 'judging', 'board-game', 'adventure', 'ideas', 'checkable-items'])('the task %s', (name) => {
  const task = taskOf(name);

  it('keeps to its alphabet and its longest prompt, with numbers for whatever is written', () => {
    const prompts = new TrainingPrompts(task, 3);
    for (let number = 0; number < 300; number++) {
      const { prompt, completion } = prompts.demonstration(number);
      expect([...prompt.text, ...completion].filter((character) => !task.alphabet.includes(character))).toEqual([]);
      expect(prompt.text.length).toBeLessThanOrEqual(task.promptCharactersMax);
      for (const text of [completion, '', '{', completion.slice(3), `${completion}${completion}`]) {
        const grades = task.grade(text, prompt.truth);
        expect(grades).toHaveLength(task.rewards.length);
        expect(grades.every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('trains on no prompt that is held out, and evaluates on no other', () => {
    const prompts = new TrainingPrompts(task, 3);
    for (let number = 0; number < 100; number++) {
      expect(isHeldOut(prompts.of(0, number).text)).toBe(false);
      expect(isHeldOut(evaluationPrompt(task, 3, number).text)).toBe(true);
    }
  });
});

describe('detection', () => {
  it('finds the first use after a release that no taking undid', () => {
    expect([['+a', '-a', '.a'], ['-a', '+a', '.a'], ['.a', '-a', '.b'], ['-b', '.a', '.b', '.b']].map(faultIn)).toEqual([3, null, null, 3]);
  });

  it('weighs a class by how seldom it is: 2.5 for one in five, 0.625 for the rest', () => {
    expect(graded('detection', 'bad 3', { at: 3 })).toEqual({ correct: 1, location: 1, scaled: 2.5, fault: 1, hit: 1, alarm: 0 });
    expect(graded('detection', 'bad 2', { at: 3 })).toEqual({ correct: 1, location: 0, scaled: 1.25, fault: 1, hit: 1, alarm: 0 });
    expect(graded('detection', 'ok', { at: null })).toEqual({ correct: 1, location: 1, scaled: 0.625, fault: 0, hit: 0, alarm: 0 });
    expect(graded('detection', 'bad 1', { at: null })).toEqual({ correct: 0, location: 0, scaled: 0, fault: 0, hit: 0, alarm: 1 });
  });
});

describe('ToolRL', () => {
  const wanted = [{ name: 'add', arguments: { a: '3', b: '5' } }];

  it.each([
    ['all right', '[add a=3 b=5]', 3, 1],
    // Tool 1, names of parameters 1, one of two values: S = 3 of 4.
    ['one of two values right', '[add a=3 b=9]', 1.5, 0],
    ['another tool', '[mul x=3 y=5]', -3, 0],
    // Names {add} of {add, wait}: 1/2, then 1 + 2: S = 3.5 of 4.
    ['a call too many', '[add a=3 b=5][wait t=1]', 2.25, 0],
  ])('scores %s', (_, text, correct, exact) => {
    expect(graded('tool-call', text, wanted)).toEqual({ format: 1, correct, exact });
  });

  it.each(['', '[add a=3 b=5', 'add 3 5', '[add a=3 b=5] so'])('gives -3 to %j, which is no list of calls', (text) => {
    expect(graded('tool-call', text, wanted)).toEqual({ format: 0, correct: -3, exact: 0 });
  });

  it('pairs two calls of one tool the better way round', () => {
    const two = parseCalls('[add a=1 b=2][add a=3 b=4]')!;
    expect(matchScore(two, parseCalls('[add a=3 b=4][add a=1 b=2]')!)).toEqual({ score: 7, best: 7 });
  });
});

describe('CRPO', () => {
  const question = { sum: '3+4', answers: [6, 7, 9, 5], right: 1 };
  const total = (text: string): number => {
    const { acc, format, language } = graded('multiple-choice', text, question) as { acc: number; format: number; language: number };
    return 10 * acc + format + 0.5 * language;
  };

  it('gives 12 to a perfect answer, less to the right one in the wrong form, and -20 to two boxes besides their form', () => {
    expect(total('<a>3+4=7</a><c>[B]</c>')).toBe(12);
    expect(total('[B]')).toBe(10);
    expect(total('<a>3+4=7</a><c>[A][B]</c>')).toBe(-20 + 1.5 + 0.5);
  });

  it.each([
    ['<c>[A]</c>', 0],
    ['<c>B</c>', 0],
    ['<c>[7]</c>', -0.5],
    ['<c>[B</c>', -1],
    ['[A][B][C]', -3],
  ])('grades the choice of %s by %d', (text, acc) => {
    expect(graded('multiple-choice', text, question)['acc']).toBe(acc);
  });
});

describe('CRPO, its form', () => {
  const question = { sum: '3+4', answers: [6, 7, 9, 5], right: 1 };
  it.each([
    ['<a>3+4=7</a><c>[B]</c>', 1.5, 1],
    ['<a>3+4=7</a><c>[B]</c>!', 1, 1],
    ['<a>3+4=7</a>[B]', 0.5, 1],
    ['<a>3+4=7<c>[B]</c>', 0.5, 1],
    // Four of eight characters are digits or signs.
    ['<a>so =7+1s</a><c>[B]</c>', 1.5, 0.5],
    ['[B]', 0, 0],
  ])('counts half a point for each pair of tags and for nothing besides, and the share of signs: %s', (text, format, language) => {
    expect(graded('multiple-choice', text, question)).toEqual({ acc: 1, format, language });
  });
});

describe('R1-Reward', () => {
  const pair = { sum: '3+5', answers: [7, 8], right: 1 };
  it.each([
    ['<t>8B</t>[B]', { format: 1, acc: 1, consistent: 1, judged: 1.5 }],
    ['<t>7A</t>[B]', { format: 1, acc: 1, consistent: -1, judged: 0.5 }],
    ['<t>6</t>[B]', { format: 0, acc: 1, consistent: 0, judged: 1 }],
    ['<t>7A</t>[A]', { format: 1, acc: 0, consistent: 1, judged: 0 }],
    ['<t>8B[B]', { format: 0, acc: 1, consistent: 1, judged: 1.5 }],
    ['[A][B]', { format: 0, acc: 0, consistent: 0, judged: 0 }],
  ])('gives acc (1 + 0.5 consistency) to %s', (text, wanted) => {
    expect(graded('judging', text, pair)).toEqual(wanted);
  });
});

describe('the adventure', () => {
  it.each([
    ['kn;me;gs', { won: 1, dense: 1, turns: 1 }],
    // Three of four turns; the game is won, so each is worth a third.
    ['kn;mw;me;gs', { won: 1, dense: 1, turns: 0.75 }],
    ['kn;me;gw;ge', { won: 0, dense: 2 / 3, turns: 0.5 }],
    // What comes first must be got first; the fifth turn is not played.
    ['me;kn;gs', { won: 0, dense: 1 / 3, turns: 1 / 3 }],
    ['kw;ke;kn;me;gs', { won: 0, dense: 2 / 3, turns: 0.5 }],
    ['k n;m e', { won: 0, dense: 0, turns: 0 }],
  ])('plays %s', (text, wanted) => {
    const made = graded('adventure', text, ['kn', 'me', 'gs']);
    for (const [name, value] of Object.entries(wanted)) expect(made[name]).toBeCloseTo(value, 12);
  });

  it('divides by the rewarded turns where the game is won, by what could be got where it is lost', () => {
    expect(denseRewards([1, 0, 1, 1], 3)).toEqual([1 / 3, 0, 1 / 3, 1 / 3]);
    expect(denseRewards([1, 0], 3)).toEqual([1 / 3, 0]);
  });
});

describe('ideas', () => {
  it('score letters outside the field, within it, and distinct ones', () => {
    // a, b within abcde; f, g, g, h outside: 4 and 2 of 6, five distinct.
    expect(ideaScores('abfggh', 'abcde')).toEqual({ novelty: Math.sqrt(4 / 6), feasibility: Math.sqrt(2 / 6), effectiveness: 5 / 6 });
    // Only six letters count, and what is missing does not.
    expect(ideaScores('aaaaaafff', 'abcde')).toEqual({ novelty: 0, feasibility: 1, effectiveness: 1 / 6 });
    expect(ideaScores('f', 'abcde')).toEqual({ novelty: Math.sqrt(1 / 6), feasibility: 0, effectiveness: 1 / 6 });
  });

  it('are rewarded by the weights that their prompt asks for', () => {
    // 0.2 x sqrt(4/6) + 0.8 x sqrt(2/6) + 0.2 x 5/6.
    const { asked } = graded('ideas', 'abfggh', { field: 'abcde', novelty: 0.2, feasibility: 0.8, effectiveness: 0.2 });
    expect(asked).toBeCloseTo(0.2 * 0.8165 + 0.8 * 0.57735 + 0.16667, 4);
  });

  it('bring their weights along, and a tag for each setting', () => {
    const prompt = new TrainingPrompts(taskOf('ideas'), 3).of(0, 1);
    const truth = prompt.truth as { novelty: number; feasibility: number };
    expect(truth.novelty + truth.feasibility).toBeCloseTo(1, 12);
    expect(prompt.tag).toBe(`novelty-${Math.round(truth.novelty * 10)}`);
  });
});

describe('items that can be checked or not', () => {
  it('are worth what a surrogate makes of the letters of the field, or right and wrong', () => {
    // Four of six letters are of the field: 1 - 1/e.
    const open = 1 - Math.exp(-1);
    expect(graded('checkable-items', 'abcdfg', { field: 'abcde' })).toEqual({ surrogate: open, open, checkable: 0, right: 0 });
    expect(graded('checkable-items', '=7', { answer: '7' })).toEqual({ surrogate: 0.5, open: 0, checkable: 1, right: 1 });
    expect(graded('checkable-items', '=8', { answer: '7' })).toEqual({ surrogate: 0.5, open: 0, checkable: 1, right: 0 });
  });

  it('have a ground truth only where there is an answer', () => {
    const prompts = new TrainingPrompts(taskOf('checkable-items'), 3);
    for (let number = 0; number < 50; number++) {
      const { text, truth, tag } = prompts.of(0, number);
      expect([tag === 'checkable', 'answer' in (truth as object)]).toEqual([text.startsWith('?'), text.startsWith('?')]);
    }
  });
});

describe('the board game', () => {
  it('is solved: a draw from the start, a win in one, a loss against two threats', () => {
    expect([outcomeOf('.........'), outcomeOf('xx.oo....'), outcomeOf('.o.ox....'), outcomeOf('o..xo.x.o')]).toEqual([0, 1, 0, -1]);
    expect(bestMoves('xx.oo....')).toEqual([2]);
    // x to move must stop the line of o in the last row.
    expect(bestMoves('x...x.oo.')).toEqual([8]);
  });

  it('counts the same whichever way the board is turned', () => {
    const turned = (position: string): string => [6, 3, 0, 7, 4, 1, 8, 5, 2].map((cell) => position[cell]).join('');
    for (const position of ['x.o......', 'xo..x....', '.ox.xo...', 'o...x...x']) expect(outcomeOf(turned(position))).toBe(outcomeOf(position));
  });

  it('grades a move by what it gives away', () => {
    // x wins at 3; at 6 it stops o, which stops x in turn: a draw; any other move loses.
    const truth = { position: 'xx.oo....' };
    expect([2, 5, 8].map((cell) => outcomeOfMove(truth.position, cell))).toEqual([1, 0, -1]);
    expect(graded('board-game', 'd6', truth)).toEqual({ format: 1, legal: 1, quality: 0.5, analysis: 0, optimal: 0 });
    expect(graded('board-game', 'w3', truth)).toEqual({ format: 1, legal: 1, quality: 1, analysis: 1, optimal: 1 });
    expect(graded('board-game', 'd9', truth)).toEqual({ format: 1, legal: 1, quality: 0, analysis: 0, optimal: 0 });
    expect(graded('board-game', 'w1', truth)).toEqual({ format: 1, legal: 0, quality: 0, analysis: 1, optimal: 0 });
    expect(graded('board-game', '3', truth)).toEqual({ format: 0, legal: 1, quality: 1, analysis: 0, optimal: 1 });
  });
});

describe('geometry', () => {
  const a = { x: 0, y: 0, w: 2, h: 2 };
  it('is that of hand-computed boxes and intervals', () => {
    // Shared 1, union 7, hull 9.
    expect(boxIou(a, { x: 1, y: 1, w: 2, h: 2 })).toBeCloseTo(1 / 7, 12);
    expect(generalisedIou(a, { x: 1, y: 1, w: 2, h: 2 })).toBeCloseTo(1 / 7 - 2 / 9, 12);
    // Apart: union 8, hull 5 x 2.
    expect(generalisedIou(a, { x: 3, y: 0, w: 2, h: 2 })).toBeCloseTo(-0.2, 12);
    expect(temporalIou({ from: 2, to: 5 }, { from: 4, to: 7 })).toBeCloseTo(2 / 6, 12);
    expect(temporalIou({ from: 2, to: 3 }, { from: 4, to: 7 })).toBe(0);
  });

  it('pairs for the greatest sum, not greedily', () => {
    const gains = [[10, 9], [9, 1]];
    expect(bestPairing(2, 2, (row, column) => gains[row]![column]!)).toEqual([[0, 1], [1, 0]]);
    expect(bestPairing(2, 1, (row) => row)).toEqual([[1, 0]]);
  });

  it('counts an IoU by the progressive rule', () => {
    expect([0.49, 0.5, 0.6, 0.75, 0.76].map((x) => progressive(x, 0.5, 0.75))).toEqual([0, 0.5, 0.6, 0.75, 1]);
    expect([0.6, 0.8, 0.95].map((x) => progressive(x, 0.75, 0.9))).toEqual([0, 0.8, 1]);
  });
});

describe('Vision-R1', () => {
  it('counts the same boxes less in the second stage', () => {
    // One box of two: 4 x 4 against 4 x 5, IoU 0.8.
    const truth = [{ x: 0, y: 0, w: 4, h: 4 }, { x: 5, y: 5, w: 2, h: 2 }];
    expect(graded('boxes', '[0,0,4,5]', truth)).toEqual({ format: 1, 'recall-1': 0.5, 'precision-1': 1, 'recall-2': 0.4, 'precision-2': 0.8, iou: 0.4 });
  });
});

describe('STVG-o1', () => {
  const truth = { from: 2, to: 5, x: 0, y: 0, w: 2, h: 2 };
  it('scores a thought that is off by one in x against an answer that is right', () => {
    const made = graded('tracks', '<t>2-5:1,0,2,2</t><p>2-5:0,0,2,2</p>', truth);
    // Shared 2, union 6, hull 6: GIoU 1/3; L1 of (0.1, 0, 0, 0) is 0.025.
    const think = 1 / 3 - 0.025;
    expect(made['think']).toBeCloseTo(think, 6);
    expect(made).toMatchObject({ format: 1, consistent: 1, tiou: 1, predict: 1 });
    expect(made['gain']).toBeCloseTo(1 - think, 6);
  });

  it('gives no spatial score where no moment is shared', () => {
    expect(graded('tracks', '<t>7-8:0,0,2,2</t><p>7-8:0,0,2,2</p>', truth)).toEqual({ format: 1, consistent: 1, tiou: 0, think: 0, predict: 0, gain: 0 });
  });
});
