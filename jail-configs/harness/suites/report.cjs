// What became of each test, as lines of JSON.
'use strict';

module.exports = async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const error = data.details?.error?.cause ?? data.details?.error;
    const suite = data.details?.type === 'suite';
    yield `${JSON.stringify({ name: data.name, passed: type === 'test:pass', skipped, suite, error: error?.message })}\n`;
  }
};
