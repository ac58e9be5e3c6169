// Has the tests' end of the line look up what no list of theirs has, and change what all of their objects have.
const fs = require('fs');

const back = (number, ...given) => ({ op: 'back', number, arguments: { l: given } });
const said = [
  back('push', 42, 42),
  back('map', { c: 'push' }, { n: '__proto__' }),
  { answer: { n: '__proto__' } },
];
fs.writeSync(1, said.map((one) => `${JSON.stringify(one)}\n`).join(''));
process.exit(0);
