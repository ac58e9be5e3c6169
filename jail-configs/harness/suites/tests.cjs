// Runs in the tests' jail, which holds nothing of the program: runs one test by Node's own runner, in a child that has the
// line to the program on descriptors of its own, and says what became of it by its exit code (42 it passed, 43 it did
// not), as interactors do. For every module that the suite imports and does not have, a stand-in is written first.
'use strict';

const { spawnSync } = require('child_process');
const fs = require('fs');
const path = require('path');

const PASSED = 42;
const FAILED = 43;
const SUITE = path.join(__dirname, 'suite');
const REPORT = path.join(__dirname, 'report.jsonl');
const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(['"])(\.{1,2}\/[^'"\n]+)\1/g;
const MOST_SAID = 4000;
// Less than the jail allows, so that somebody is there to say that a test did not pass for which it was too little.
const MOST_MEMORY_MB = 1024;
const MOST_CPU_S = 50;

function* files(folder) {
  for (const one of fs.readdirSync(folder, { withFileTypes: true })) {
    const place = path.join(folder, one.name);
    if (one.isDirectory()) yield* files(place);
    else if (/\.[cm]?js$/.test(one.name)) yield place;
  }
}

// A stand-in asks for its module when it is loaded; its names are those that the suite may import, and more is no harm.
function writeStandIns() {
  for (const file of [...files(SUITE)]) {
    const source = fs.readFileSync(file, 'utf8');
    for (const [, , specifier] of source.matchAll(SPECIFIER)) {
      const place = path.join(path.dirname(file), specifier);
      const there = ['', '.js', '.cjs', '.mjs', '.json', '/index.js'].some((more) => fs.existsSync(place + more));
      if (there || !place.startsWith(SUITE + path.sep)) continue;
      const named = path.extname(place) ? place : `${place}.js`;
      fs.mkdirSync(path.dirname(named), { recursive: true });
      fs.writeFileSync(named, standIn(path.relative(SUITE, place), names(source), named.endsWith('.mjs')));
    }
  }
}

function names(source) {
  const found = new Set();
  for (const [, list] of source.matchAll(/\{([^{}]*)\}/g)) {
    for (const one of list.split(',')) {
      const name = one.trim().split(/\s+as\s+|\s*:\s*/)[0];
      if (/^[A-Za-z_$][\w$]*$/.test(name) && name !== 'default') found.add(name);
    }
  }
  return [...found];
}

function standIn(asked, imported, isModule) {
  const get = `globalThis[Symbol.for('shipd.module')](${JSON.stringify(asked)})`;
  if (!isModule) {
    const copied = 'Object.fromEntries(known.map((name) => [name, made[name]]))';
    const whole = `module.exports = typeof made === 'function' ? made : ${copied};`;
    return [`const [made, known] = ${get};`, whole, `0 && (module.exports = { ${imported.join(', ')} });`, ''].join('\n');
  }
  const told = imported.map((name, n) => `const v${n} = known.includes('${name}') ? made.${name} : undefined;`);
  const exported = imported.map((name, n) => `v${n} as ${name}`);
  const whole = 'const whole = made.default ?? made;';
  return [`const [made, known] = ${get};`, ...told, whole, `export { ${['whole as default', ...exported].join(', ')} };`, ''].join('\n');
}

function main() {
  const [input, , feedback] = process.argv.slice(2);
  const asked = fs.readFileSync(input, 'utf8');
  const [file, name] = [asked.slice(0, asked.indexOf('::')), asked.slice(asked.indexOf('::') + 2)];
  const framework = fs.readFileSync(path.join(__dirname, 'framework'), 'utf8');
  writeStandIns();
  const pattern = name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const child = spawnSync(
    '/usr/bin/prlimit',
    [
      `--cpu=${MOST_CPU_S}`,
      process.execPath,
      `--max-old-space-size=${MOST_MEMORY_MB}`,
      '--require', path.join(__dirname, 'line.cjs'),
      ...(framework === 'jest' ? ['--require', path.join(__dirname, 'jest.cjs')] : []),
      `--test-reporter=${path.join(__dirname, 'report.cjs')}`,
      `--test-reporter-destination=${REPORT}`,
      `--test-name-pattern=/^${pattern}$/`,
      path.join(SUITE, file),
    ],
    { cwd: SUITE, stdio: ['ignore', 'ignore', 'ignore', 0, 1] },
  );
  const told = fs.existsSync(REPORT) ? fs.readFileSync(REPORT, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : [];
  const own = told.filter((one) => one.name === name && !one.suite);
  const failed = told.filter((one) => !one.passed);
  const passed = child.status === 0 && own.length > 0 && failed.length === 0 && own.every((one) => !one.skipped);
  if (!passed) {
    const said = failed.map((one) => one.error ?? '').filter(Boolean).join('\n') || 'the test did not run to its end';
    for (const place of ['teammessage.txt', 'judgemessage.txt']) {
      fs.writeFileSync(path.join(feedback, place), said.slice(0, MOST_SAID));
    }
  }
  process.exit(passed ? PASSED : FAILED);
}

main();
