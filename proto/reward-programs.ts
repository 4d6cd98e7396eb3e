/** Rules that a user writes as a program: a typed expression, or JavaScript in an isolate. */
import { z } from 'zod';
import { partName } from './part-name.js';

/** Jumps back and calls between two looks of the isolate at its fuel. */
export const OPERATIONS_PER_TICK = 10_000;

const onError = z
  .enum(['mask', 'park'])
  .default('mask')
  .describe('A unit for which the program fails: its reward is unknown, with status error (mask), or the step stops until a person decides (park). Never 0.');

const expression = z
  .strictObject({
    kind: z.literal('expression'),
    expression: z.string().min(1).max(20_000).describe('What the reward is, in the language of docs/jobs.md: typed, without loops, a number or a boolean (1, 0).'),
    onError,
  })
  .describe('An expression over the unit.');

const javascript = z
  .strictObject({
    kind: z.literal('javascript'),
    program: z.string().min(1).max(65_536).describe('Script that defines `function reward(unit)`, which returns a number, or null for unknown. Each unit sees a fresh isolate: no state, files, network, clock, random numbers or imports.'),
    elements: z.array(partName).min(1).max(32).nullable().default(null).describe('The program returns a list of so many numbers: a vector with these elements. null: one number.'),
    reads: z
      .array(z.string().regex(/^(count|position|env|observation\.[A-Za-z0-9_-]+|action|logprob)$/))
      .max(16)
      .default([])
      .describe('What the program sees besides the texts: `count`, `position` and `env` (`unit.count`, `unit.position`, `unit.env[component]`), and `observation.<tensor>`, `action`, `logprob` (`unit.numbers[name]`). Units that look the same to it are judged once.'),
    operationsMax: z.int().min(OPERATIONS_PER_TICK).max(1_000_000_000).default(1_000_000).describe('Fuel for one unit: jumps back and calls, counted in steps of 10,000.'),
    memoryBytes: z.int().min(262_144).max(67_108_864).default(4_194_304).describe('Memory of the isolate.'),
    stackBytes: z.int().min(16_384).max(524_288).default(131_072).describe('Its stack.'),
    onError,
  })
  .describe('JavaScript in an isolate.');

export const programRules = [expression, javascript] as const;
export type JavascriptRule = z.output<typeof javascript>;
export type ExpressionRule = z.output<typeof expression>;
