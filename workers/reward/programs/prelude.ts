/**
 * What is taken out of an isolate before a program sees it: whatever varies, and whatever makes code of text. Runs first, so a
 * program cannot have changed what it uses. Clock, Proxy, WeakRef and Atomics are left out when the isolate is made.
 */
export const PRELUDE = `(() => {
  'use strict';
  const refuse = (what) => function () { const error = new TypeError(what + ' is not there for programs'); error.name = 'Refused'; throw error; };
  Math.random = refuse('Math.random');
  globalThis.eval = refuse('eval');
  const refused = refuse('Function');
  const kinds = [function () {}, function* () {}, async function () {}, async function* () {}];
  for (const kind of kinds) Object.defineProperty(Object.getPrototypeOf(kind), 'constructor', { value: refused });
  globalThis.Function = refused;
  // These go through as many elements as the length says, without a look at the fuel.
  const list = Array.prototype;
  const longest = 1000000;
  for (const name of ['indexOf', 'lastIndexOf', 'includes', 'fill', 'reverse', 'join', 'concat', 'copyWithin', 'slice', 'splice', 'shift', 'unshift', 'sort', 'toSorted', 'toReversed', 'toSpliced', 'with', 'flat']) {
    const native = list[name];
    if (native === undefined) continue;
    const apply = Reflect.apply;
    const guarded = { [name](...values) {
      if (this !== null && this !== undefined && this.length > longest) throw new RangeError('an array is longer than ' + longest);
      return apply(native, this, values);
    } }[name];
    Object.defineProperty(list, name, { value: guarded, writable: true, configurable: true });
  }
})()`;

/** Names that programs of other hosts look for: a program that uses one is told that it is refused. */
export const REFUSED_NAMES: readonly string[] = [
  'require', 'process', 'module', 'exports', 'global', 'window', 'self', 'document', 'fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'navigator', 'Deno', 'Bun', 'std', 'os',
  'Date', 'performance', 'crypto', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'console', 'print', 'Worker', 'SharedArrayBuffer', 'Atomics', 'WebAssembly', 'WeakRef', 'FinalizationRegistry', 'Proxy', 'Intl', 'importScripts',
];
