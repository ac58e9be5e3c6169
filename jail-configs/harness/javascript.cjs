// Runs in a jail in the program's place: calls one function of the program, and writes down what that returned. The
// program shares this process and may do to it what it likes. So nothing here knows what is expected, and whatever is
// written down is only what the program says that it returns: it is compared elsewhere.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const { inspect } = require('util');

const BOX = path.dirname(__dirname);
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const BIG = '\u0000big:';

async function main() {
  const asked = JSON.parse(fs.readFileSync(path.join(__dirname, 'call.json'), 'utf8'));
  const given = read(fs.readFileSync(0, 'utf8'));
  const wanted = asked.class_name ?? asked.name;
  const found = await load(path.join(BOX, asked.entry), wanted);
  if (typeof found !== 'function') {
    console.error(`${asked.entry} does not define ${wanted}`);
    process.exit(1);
  }
  let returned;
  if (asked.class_name === null) {
    returned = await found(...given);
  } else {
    const made = new found();
    if (typeof made[asked.name] !== 'function') {
      console.error(`${wanted} does not define ${asked.name}`);
      process.exit(1);
    }
    returned = await made[asked.name](...given);
  }
  fs.writeFileSync(path.join(__dirname, 'returned.json'), told(returned));
}

// An integer that a number cannot hold exactly is given as a BigInt.
function read(text) {
  const marked = text.replace(TOKENS, (token) =>
    /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? JSON.stringify(BIG + token) : token,
  );
  return JSON.parse(marked, (_, value) =>
    typeof value === 'string' && value.startsWith(BIG) ? BigInt(value.slice(BIG.length)) : value,
  );
}

async function load(file, wanted) {
  if (isModule(file)) {
    const found = await import(pathToFileURL(file).href);
    return found[wanted] ?? found.default;
  }
  const loaded = new Module(file, null);
  loaded.filename = file;
  loaded.paths = Module._nodeModulePaths(path.dirname(file));
  require.cache[file] = loaded;
  // A function that is not exported is taken by its name: behind the source, so that its lines keep their numbers.
  const behind = `\n;typeof ${wanted} === 'undefined' || (module.defined = ${wanted});`;
  loaded._compile(fs.readFileSync(file, 'utf8').replace(/^\ufeff/, '') + behind, file);
  const exported = loaded.exports;
  return exported?.[wanted] ?? loaded.defined ?? exported?.default ?? exported;
}

// As Node itself decides it, but for looking further up than the box.
function isModule(file) {
  if (file.endsWith('.mjs') || file.endsWith('.cjs')) return file.endsWith('.mjs');
  for (let folder = path.dirname(file); folder.startsWith(BOX); folder = path.dirname(folder)) {
    const said = path.join(folder, 'package.json');
    if (fs.existsSync(said)) return JSON.parse(fs.readFileSync(said, 'utf8')).type === 'module';
  }
  return false;
}

function told(returned) {
  try {
    return `{"returned": ${json(returned)}}`;
  } catch (error) {
    return JSON.stringify({ unfit: `${error.name}: ${error.message}` });
  }
}

// JSON, with NaN and infinities by their names, and integers of any size.
function json(value) {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (['number', 'bigint', 'boolean'].includes(typeof value)) return String(value);
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) {
    return `[${Array.from(value, json).join(',')}]`;
  }
  const kind = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (kind !== null && kind !== Object.prototype) {
    throw new TypeError(`${inspect(value, { depth: 0, breakLength: Infinity }).slice(0, 80)} is no JSON value`);
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${json(member)}`).join(',')}}`;
}

main().catch((error) => {
  console.error(error instanceof Error ? error.stack : inspect(error));
  process.exitCode = 1;
});
