/**
 * JavaScript of a user in QuickJS, compiled to WebAssembly: no files, network, clock, random numbers or imports. Each unit
 * sees a runtime of its own, so nothing that a program does is seen by the next unit: the value is a function of program and
 * unit, whatever else is judged with it. Fuel is counted in jumps and calls, not in time. Blocks its thread.
 */
import { newQuickJSWASMModuleFromVariant, type QuickJSContext, type QuickJSHandle, type QuickJSRuntime, type QuickJSWASMModule } from 'quickjs-emscripten-core';
import { OPERATIONS_PER_TICK } from '../../../proto/reward-programs.js';
import type { ProgramCode } from './fault.js';
import { PRELUDE, REFUSED_NAMES } from './prelude.js';

export interface IsolateLimits {
  /** Jumps back and calls for one unit. */
  readonly operationsMax: number;
  readonly memoryBytes: number;
  readonly stackBytes: number;
}

/** A value for each element, null for unknown, or why there is none. */
export type Outcome = readonly number[] | null | { readonly code: ProgramCode; readonly message: string };

const INTRINSICS = { BaseObjects: true, Eval: true, RegExp: true, RegExpCompiler: true, JSON: true, MapSet: true, TypedArrays: true, Promise: true, StringNormalize: true, Date: false, Proxy: false, BigInt: false } as const;
const MESSAGE_MAX = 300;
const JOBS_MAX = 16;

const refused = (what: string): Outcome => ({ code: 'LAUREL_PROGRAM_REFUSED', message: `expected a program that needs nothing but its unit, it uses ${what}` });

export class Isolate {
  private module: QuickJSWASMModule | undefined;

  /**
   * What `reward(unit)` gives.
   * @param unit JSON
   * @param elements numbers expected in a list; null: one number
   */
  async run(program: string, unit: string, elements: number | null, limits: IsolateLimits): Promise<Outcome> {
    const module = (this.module ??= await newQuickJSWASMModuleFromVariant(import('@jitl/quickjs-wasmfile-release-sync')));
    const call = new IsolateCall(limits);
    let outcome: Outcome;
    try {
      outcome = call.run(module, program, unit, elements);
    } catch (error) {
      // A trap leaves the module in an unknown state: the next unit gets a new one.
      this.module = undefined;
      return call.trapped(error);
    }
    if (!call.dispose()) this.module = undefined;
    return outcome;
  }
}

class IsolateCall {
  private ticks = 0;
  private exhausted = false;
  private imported: string | undefined;
  /** The program is read, and `reward` is a function. */
  private defined = false;
  private runtime: QuickJSRuntime | undefined;
  private context: QuickJSContext | undefined;
  private readonly handles: QuickJSHandle[] = [];

  constructor(private readonly limits: IsolateLimits) {}

  run(module: QuickJSWASMModule, program: string, unit: string, elements: number | null): Outcome {
    const runtime = (this.runtime = module.newRuntime({ memoryLimitBytes: this.limits.memoryBytes, maxStackSizeBytes: this.limits.stackBytes }));
    const context = (this.context = runtime.newContext({ intrinsics: INTRINSICS }));
    this.evaluate(PRELUDE, 'prelude');
    const json = this.kept(context.getProp(context.global, 'JSON'));
    const parsed = context.callFunction(this.kept(context.getProp(json, 'parse')), context.undefined, this.kept(context.newString(unit)));
    if (parsed.error) return this.failure(this.kept(parsed.error), program);
    const input = this.kept(parsed.value);
    // From here on only what the program does is counted.
    const ticksMax = Math.ceil(this.limits.operationsMax / OPERATIONS_PER_TICK);
    runtime.setModuleLoader((name) => {
      this.imported = name.slice(0, 100);
      return { error: new Error('there are no modules') };
    });
    runtime.setInterruptHandler(() => (this.exhausted ||= ++this.ticks > ticksMax));
    const defined = context.evalCode(program, 'program.js', { type: 'global', strict: true });
    if (defined.error) return this.failure(this.kept(defined.error), program);
    this.kept(defined.value);
    const found = context.evalCode('reward', 'program.js', { type: 'global', strict: true });
    if (found.error) return this.failure(this.kept(found.error), program);
    const reward = this.kept(found.value);
    if (context.typeof(reward) !== 'function') return { code: 'LAUREL_PROGRAM_FAILED', message: `expected the program to define function reward(unit), reward is ${context.typeof(reward)}` };
    this.defined = true;
    const result = context.callFunction(reward, context.undefined, input);
    // An import is looked for when jobs run, of which nobody would wait for the others.
    if (runtime.hasPendingJob()) this.runJobs(runtime);
    if (result.error) return this.failure(this.kept(result.error), program);
    return this.outcome(this.kept(result.value), elements);
  }

  trapped(error: unknown): Outcome {
    if (this.exhausted) return this.fuel();
    const message = error instanceof Error ? error.message.slice(0, MESSAGE_MAX) : String(error);
    if (error instanceof RangeError) return { code: 'LAUREL_PROGRAM_STACK', message: `expected a program that stays within its stack, got: ${message}` };
    return { code: 'LAUREL_PROGRAM_MEMORY', message: `expected a program that stays within ${this.limits.memoryBytes} bytes, the isolate broke: ${message}` };
  }

  /** False: the module is not to be used again. */
  dispose(): boolean {
    try {
      for (const handle of this.handles.reverse()) if (handle.alive) handle.dispose();
      this.context?.dispose();
      this.runtime?.dispose();
      return true;
    } catch {
      return false;
    }
  }

  private runJobs(runtime: QuickJSRuntime): void {
    const done = runtime.executePendingJobs(JOBS_MAX);
    if (done.error) this.kept(done.error);
    else done.dispose();
  }

  private kept(handle: QuickJSHandle): QuickJSHandle {
    this.handles.push(handle);
    return handle;
  }

  private evaluate(code: string, name: string): void {
    const context = this.context as QuickJSContext;
    const result = context.evalCode(code, name, { type: 'global', strict: true });
    if (result.error) throw new Error(`the ${name} failed: ${this.textOf(this.kept(result.error), 'message')}`);
    this.kept(result.value);
  }

  private outcome(value: QuickJSHandle, elements: number | null): Outcome {
    if (this.imported !== undefined) return refused(`import of ${this.imported}`);
    const context = this.context as QuickJSContext;
    const wanted = elements === null ? 'a number or null' : `a list of ${elements} numbers or null`;
    const type = context.typeof(value);
    if (context.eq(value, context.null)) return null;
    if (elements === null && type === 'number') return finite([context.getNumber(value)]);
    if (elements !== null && type === 'object') {
      const places = ['length', ...Array.from({ length: elements }, (_, index) => index)].map((place) => this.kept(context.getProp(value, place)));
      if (this.exhausted) return this.fuel();
      const numbers = places.map((place) => (context.typeof(place) === 'number' ? context.getNumber(place) : Number.NaN));
      if (numbers[0] === elements) return finite(numbers.slice(1));
    }
    return { code: 'LAUREL_PROGRAM_FAILED', message: `expected reward(unit) to give ${wanted}, got ${type}` };
  }

  private failure(error: QuickJSHandle, program: string): Outcome {
    if (this.exhausted) return this.fuel();
    if (this.imported !== undefined) return refused(`import of ${this.imported}`);
    const context = this.context as QuickJSContext;
    // What was thrown where no memory was left to make an error of it.
    if (context.eq(error, context.null)) return this.memory('');
    const [name, message] = [this.textOf(error, 'name'), this.textOf(error, 'message')];
    if (this.exhausted) return this.fuel();
    if (name === 'InternalError' && /^(out of memory|string too long)/.test(message)) return this.memory(message);
    // JSON that is nested too deeply is a syntax error of that name.
    if (/^(Internal|Syntax)Error$/.test(name) && message === 'stack overflow') return { code: 'LAUREL_PROGRAM_STACK', message: `expected a program that stays within ${this.limits.stackBytes} bytes of stack, it does not` };
    if (name === 'Refused') return refused(message.replace(/ is not there for programs$/, ''));
    const unknown = /^'?(\w+)'? is not defined$/.exec(message)?.[1];
    if (name === 'ReferenceError' && unknown !== undefined && REFUSED_NAMES.includes(unknown)) return refused(unknown);
    if (name === 'SyntaxError' && !this.defined) {
      if (/^\s*(import|export)\b/m.test(program)) return refused('import or export');
      return { code: 'LAUREL_PROGRAM_INVALID', message: `expected JavaScript, got: ${message}${this.placeOf(error)}` };
    }
    return { code: 'LAUREL_PROGRAM_FAILED', message: `the program threw ${name === '' ? 'an object' : name}: ${message}${this.placeOf(error)}` };
  }

  private fuel(): Outcome {
    return { code: 'LAUREL_PROGRAM_FUEL', message: `expected a program that ends within ${this.limits.operationsMax} operations, it does not` };
  }

  private memory(what: string): Outcome {
    return { code: 'LAUREL_PROGRAM_MEMORY', message: `expected a program that stays within ${this.limits.memoryBytes} bytes, it does not${what === '' ? '' : `: ${what}`}` };
  }

  /** A property that is a text, cut; it may be anything, and reading it may run code of the program. */
  private textOf(value: QuickJSHandle, key: string): string {
    const context = this.context as QuickJSContext;
    if (context.typeof(value) === 'string') return key === 'name' ? 'a text' : context.getString(value).slice(0, MESSAGE_MAX);
    if (context.typeof(value) !== 'object') return key === 'name' ? `a ${context.typeof(value)}` : '';
    const property = this.kept(context.getProp(value, key));
    return context.typeof(property) === 'string' ? context.getString(property).slice(0, MESSAGE_MAX) : '';
  }

  /** The first place in the program that the stack names. */
  private placeOf(error: QuickJSHandle): string {
    const place = /program\.js:(\d+)(?::(\d+))?/.exec(this.textOf(error, 'stack'));
    return place ? ` (line ${place[1]}${place[2] === undefined ? '' : `, column ${place[2]}`})` : '';
  }
}

function finite(numbers: readonly number[]): Outcome {
  const odd = numbers.find((number) => !Number.isFinite(number));
  return odd === undefined ? numbers : { code: 'LAUREL_PROGRAM_FAILED', message: `expected finite numbers, got ${odd}` };
}
