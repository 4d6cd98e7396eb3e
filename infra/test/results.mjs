/** Reads the JSON result of the test runner. Pure. */

/**
 * How many tests passed and failed. A file that could not be loaded counts as one failed test, a broken step before
 * the tests too; a runner that ended badly though every test passed (an error outside of tests) counts as one more.
 */
export function countResults(results, runnerCode, brokenSteps) {
  const passed = results?.numPassedTests ?? 0;
  const failedTests = results?.numFailedTests ?? 0;
  const unloaded = unloadedFiles(results).length;
  const known = failedTests + unloaded + brokenSteps;
  return { passed, failed: known === 0 && runnerCode !== 0 ? 1 : known };
}

/** Tests that were left out, by name: they must be seen, for they prove nothing. */
export function skippedTests(results) {
  const all = (results?.testResults ?? []).flatMap((file) => file.assertionResults ?? []);
  return all.filter((test) => ['skipped', 'pending', 'todo'].includes(test.status)).map((test) => test.fullName);
}

/** One text for each failed test and each file that could not be loaded. */
export function describeFailures(results, shorten) {
  const failures = [];
  for (const file of results?.testResults ?? []) {
    for (const test of file.assertionResults ?? []) {
      if (test.status !== 'failed') continue;
      const messages = (test.failureMessages ?? []).map((message) => indent(firstLines(readable(message, test), 20))).join('\n');
      failures.push(`${shorten(file.name)}\n  ${test.fullName}\n${messages}`);
    }
  }
  for (const file of unloadedFiles(results)) failures.push(`${shorten(file.name)}\n  could not be run\n${indent(firstLines(file.message ?? '', 20))}`);
  return failures;
}

/** The runner's JSON has a placeholder in the place of the message of a test that ran out of time. */
function readable(message, test) {
  return message.replace('Error: STACK_TRACE_ERROR', `ran out of time after ${Math.round(test.duration ?? 0)} ms`);
}

/** Files that failed with no failed test in them: they, or a hook for the whole file, threw. */
function unloadedFiles(results) {
  return (results?.testResults ?? []).filter((file) => file.status === 'failed' && !(file.assertionResults ?? []).some((test) => test.status === 'failed'));
}

/** The message and the places in this project; how the test runner came there helps nobody. */
const firstLines = (text, count) =>
  text
    .split('\n')
    .filter((line) => !/^\s*at .*node_modules/.test(line))
    .slice(0, count)
    .join('\n');
const indent = (text) => text.split('\n').map((line) => `    ${line}`).join('\n');
