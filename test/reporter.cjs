const { writeFileSync } = require('node:fs');
const { basename } = require('node:path');

/**
 * Adds up every suite in one plain line, `N passed, N failed, N skipped`: into the file that TEST_SUMMARY_FILE names,
 * or as the last line of the report. A suite that could not run at all counts as one failure. Above it stand how
 * many tests of which file were skipped, and each test that passed only when it was tried again (second-try.ts).
 */
module.exports = class Summary {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`;
    for (const { numPendingTests, testFilePath } of results.testResults) {
      if (numPendingTests) process.stdout.write(`skipped: ${numPendingTests} of ${basename(testFilePath)}\n`);
    }
    for (const name of secondTries(results)) process.stdout.write(`needed a second try: ${name}\n`);
    const file = process.env.TEST_SUMMARY_FILE;
    if (file) writeFileSync(file, line);
    else process.once('exit', () => process.stdout.write(line));
  }
};

const secondTries = (results) =>
  results.testResults.flatMap(({ testResults }) =>
    testResults
      .filter(({ status, invocations }) => status === 'passed' && invocations > 1)
      .map(({ fullName }) => fullName),
  );
