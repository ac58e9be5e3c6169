// What is commonly used of jest, on top of node:test: its globals, its matchers, and functions that note their calls.
// Loaded beside the tests, before them. What it lacks is not defined, so that a test that uses it fails.
'use strict';

const Module = require('module');
const test = require('node:test');
const { inspect, isDeepStrictEqual, types } = require('util');

const shown = (value) => inspect(value, { depth: 4, breakLength: Infinity, customInspect: false }).slice(0, 400);
const keysOf = (value) => Reflect.ownKeys(value).filter((key) => value[key] !== undefined);

class Asymmetric {
  constructor(matches) {
    this.matches = matches;
  }
}

// As toEqual has it: members that are undefined are none, and of what class an object is does not matter. A stand-in for
// something of the program's is equal to itself alone.
function equal(actual, expected) {
  if (expected instanceof Asymmetric) return expected.matches(actual);
  if (Object.is(actual, expected)) return true;
  if ([actual, expected].some((one) => one === null || typeof one !== 'object' || types.isProxy(one))) return false;
  const kind = Object.prototype.toString.call(expected);
  if (Object.prototype.toString.call(actual) !== kind) return false;
  if (expected instanceof Error) return actual.message === expected.message;
  if (expected instanceof Date || expected instanceof RegExp || ArrayBuffer.isView(expected)) {
    return isDeepStrictEqual(actual, expected);
  }
  if (expected instanceof Map || expected instanceof Set) {
    const left = [...expected];
    return actual.size === expected.size && [...actual].every((one) => taken(left, (other) => equal(one, other)));
  }
  if (Array.isArray(expected)) {
    return actual.length === expected.length && Array.from(expected).every((one, n) => equal(actual[n], one));
  }
  const keys = keysOf(expected);
  return keysOf(actual).length === keys.length && keys.every((key) => Object.hasOwn(actual, key) && equal(actual[key], expected[key]));
}

function taken(list, is) {
  const found = list.findIndex(is);
  if (found >= 0) list.splice(found, 1);
  return found >= 0;
}

function contains(actual, part) {
  if (part instanceof Asymmetric) return part.matches(actual);
  if (Array.isArray(part) || part === null || typeof part !== 'object' || types.isProxy(part)) return equal(actual, part);
  if (actual === null || typeof actual !== 'object') return false;
  return Object.keys(part).every((key) => key in actual && contains(actual[key], part[key]));
}

function strictlyEqual(actual, expected) {
  return types.isProxy(actual) || types.isProxy(expected) ? actual === expected : isDeepStrictEqual(actual, expected);
}

function close(actual, expected, digits = 2) {
  if (typeof actual !== 'number') return false;
  return actual === expected || Math.abs(actual - expected) < 10 ** -digits / 2;
}

function ordered(is) {
  return (actual, expected) => ['number', 'bigint'].includes(typeof actual) && is(actual, expected);
}

function iterated(actual) {
  if (actual === null || actual === undefined || typeof actual[Symbol.iterator] !== 'function') {
    throw new Error(`${shown(actual)} cannot be iterated`);
  }
  return [...actual];
}

function property(actual, path, ...value) {
  const names = Array.isArray(path) ? path : String(path).split(/[.[\]]+/).filter(Boolean);
  let found = actual;
  for (const name of names) {
    if (found === null || found === undefined || !(name in Object(found))) return false;
    found = found[name];
  }
  return value.length === 0 || equal(found, value[0]);
}

function thrown(actual, isError) {
  if (isError) return [actual];
  if (typeof actual !== 'function') throw new Error(`${shown(actual)} is no function`);
  try {
    actual();
  } catch (error) {
    return [error];
  }
  return [];
}

function isThrown([...caught], ...expected) {
  if (caught.length === 0 || expected.length === 0) return caught.length > 0;
  const [error, what] = [caught[0], expected[0]];
  const message = String(error?.message ?? error);
  if (typeof what === 'string') return message.includes(what);
  if (what instanceof RegExp) return what.test(message);
  if (what instanceof Asymmetric) return what.matches(error);
  return typeof what === 'function' ? error instanceof what : message === what.message;
}

function calls(actual) {
  if (!actual?.mock || types.isProxy(actual)) throw new Error('only functions made by jest.fn have calls');
  return actual.mock.calls;
}

const MATCHERS = {
  toBe: (actual, expected) => Object.is(actual, expected),
  toEqual: equal,
  toStrictEqual: strictlyEqual,
  toMatchObject: contains,
  toBeNull: (actual) => actual === null,
  toBeUndefined: (actual) => actual === undefined,
  toBeDefined: (actual) => actual !== undefined,
  toBeNaN: (actual) => Number.isNaN(actual),
  toBeTruthy: (actual) => Boolean(actual),
  toBeFalsy: (actual) => !actual,
  toBeCloseTo: close,
  toBeGreaterThan: ordered((one, other) => one > other),
  toBeGreaterThanOrEqual: ordered((one, other) => one >= other),
  toBeLessThan: ordered((one, other) => one < other),
  toBeLessThanOrEqual: ordered((one, other) => one <= other),
  toBeInstanceOf: (actual, kind) => actual instanceof kind,
  toContain: (actual, one) => (typeof actual === 'string' ? actual.includes(one) : iterated(actual).includes(one)),
  toContainEqual: (actual, one) => iterated(actual).some((member) => equal(member, one)),
  toHaveLength: (actual, length) => actual.length === length,
  toHaveProperty: property,
  toMatch: (actual, what) => typeof actual === 'string' && (typeof what === 'string' ? actual.includes(what) : what.test(actual)),
  toHaveBeenCalled: (actual) => calls(actual).length > 0,
  toHaveBeenCalledTimes: (actual, times) => calls(actual).length === times,
  toHaveBeenCalledWith: (actual, ...given) => calls(actual).some((one) => equal(one, given)),
  toHaveBeenLastCalledWith: (actual, ...given) => equal(calls(actual).at(-1), given),
};

function judge(name, actual, given, not) {
  if (MATCHERS[name](actual, ...given) !== !not) {
    throw new Error(`expect(${shown(actual)}).${not ? 'not.' : ''}${name}(${given.map(shown).join(', ')})`);
  }
}

function matchers(not, of) {
  const made = Object.fromEntries(Object.keys(MATCHERS).map((name) => [name, (...given) => of((actual) => judge(name, actual, given, not))]));
  const throws = (...given) =>
    of((actual, isError) => {
      if (isThrown(thrown(actual, isError), ...given) === not) throw new Error(`it ${not ? 'threw' : 'did not throw'} ${given.map(shown).join(', ')}`);
    });
  return { ...made, toThrow: throws, toThrowError: throws };
}

async function resolved(actual, then) {
  return then(await (typeof actual === 'function' ? actual() : actual), false);
}

async function rejected(actual, then) {
  let value;
  try {
    value = await (typeof actual === 'function' ? actual() : actual);
  } catch (error) {
    return then(error, true);
  }
  throw new Error(`it was not rejected, and came to ${shown(value)}`);
}

function both(of) {
  return { ...matchers(false, of), not: matchers(true, of) };
}

function expect(actual) {
  const now = both((then) => then(actual, false));
  return { ...now, resolves: both((then) => resolved(actual, then)), rejects: both((then) => rejected(actual, then)) };
}

const KINDS = new Map([
  [String, 'string'],
  [Number, 'number'],
  [Boolean, 'boolean'],
  [BigInt, 'bigint'],
  [Symbol, 'symbol'],
  [Function, 'function'],
]);
Object.assign(expect, {
  anything: () => new Asymmetric((one) => one !== null && one !== undefined),
  any: (kind) => new Asymmetric((one) => (KINDS.has(kind) ? typeof one === KINDS.get(kind) : one instanceof kind)),
  arrayContaining: (some) => new Asymmetric((all) => Array.isArray(all) && some.every((one) => all.some((other) => equal(other, one)))),
  objectContaining: (some) => new Asymmetric((all) => Object.keys(some).every((key) => property(all, [key], some[key]))),
  stringContaining: (part) => new Asymmetric((all) => typeof all === 'string' && all.includes(part)),
  stringMatching: (what) => new Asymmetric((all) => MATCHERS.toMatch(all, what)),
  closeTo: (number, digits) => new Asymmetric((one) => close(one, number, digits)),
});

function fn(implementation) {
  const once = [];
  const made = function mocked(...given) {
    made.mock.calls.push(given);
    const does = once.length > 0 ? once.shift() : implementation;
    const result = { type: 'return', value: undefined };
    made.mock.results.push(result);
    try {
      result.value = does?.apply(this, given);
    } catch (error) {
      Object.assign(result, { type: 'throw', value: error });
      throw error;
    }
    return result.value;
  };
  const does = (change) => (...given) => (change(...given), made);
  return Object.assign(made, {
    mock: { calls: [], results: [] },
    mockImplementation: does((how) => (implementation = how)),
    mockImplementationOnce: does((how) => once.push(how)),
    mockReturnValue: does((value) => (implementation = () => value)),
    mockReturnValueOnce: does((value) => once.push(() => value)),
    mockResolvedValue: does((value) => (implementation = async () => value)),
    mockRejectedValue: does((error) => (implementation = async () => Promise.reject(error))),
    mockClear: does(() => (made.mock = { calls: [], results: [] })),
  });
}

// A test whose function has a parameter calls that when it is done.
function whole(call) {
  if (typeof call !== 'function' || call.length === 0) return () => call?.();
  return () => new Promise((resolve, reject) => void call((error) => (error ? reject(error) : resolve())));
}

const each = (define) => (rows) => (title, call) => {
  for (const row of rows) define(title, () => call(...(Array.isArray(row) ? row : [row])));
};

function tests(define) {
  const made = (title, call, timeout) => define(title, timeout === undefined ? {} : { timeout }, whole(call));
  made.each = each((title, call) => define(title, call));
  made.skip = (title) => define(title, { skip: true }, () => {});
  made.todo = made.skip;
  made.only = made;
  return made;
}

const describe = (title, define) => test.describe(title, () => void define());
describe.each = each((title, define) => test.describe(title, () => void define()));
describe.skip = (title, define) => test.describe(title, { skip: true }, () => void define());
describe.only = describe;

const made = tests(test.it);
const hooks = { beforeAll: test.before, afterAll: test.after, beforeEach: test.beforeEach, afterEach: test.afterEach };
const globals = { describe, it: made, test: made, expect, jest: { fn } };
for (const [name, hook] of Object.entries(hooks)) globals[name] = (call) => hook(whole(call));
Object.assign(globalThis, globals);

const found = Module._resolveFilename;
Module._resolveFilename = (asked, ...rest) => (asked === '@jest/globals' ? __filename : found(asked, ...rest));
module.exports = globals;
