"""The layer of jest on the line between tests and program for JavaScript: each matcher, both ways."""

from pathlib import Path

import pytest

from domain.model import File
from domain.suite import Framework, Suite
from tests.unit.workers.node_line import FAILED, PASSED, End, runner

PROGRAM = b"""
class Ghost {
  constructor() { this.length = 3; }
  valueOf() { return 42; }
  toString() { return '42'; }
}
class Missing extends RangeError {}
module.exports = {
  Ghost,
  Missing,
  echo: (value) => value,
  ghost: () => new Ghost(),
  raise: () => { throw new Missing('30 are missing'); },
  rejects: async () => { throw new TypeError('no'); },
  later: async () => [7],
  each: (list, call) => list.forEach((one) => call(one)),
  end: () => process.exit(0),
};
"""
TESTS = b"""
const { Ghost, Missing, echo, ghost, raise, rejects, later, each, end } = require('./solution');
const ready = [];

beforeAll(() => { ready.push('all'); });
beforeEach(() => { ready.push('each'); });
afterEach(() => { ready.push('after'); });

test('values', () => {
  expect(echo(3)).toBe(3);
  expect(echo(NaN)).toBe(NaN);
  expect(echo([1])).not.toBe([1]);
  expect(echo({ a: 1, b: [{ c: undefined }] })).toEqual({ a: 1, b: [{}] });
  expect(echo({ a: undefined })).not.toStrictEqual({});
  expect(echo({ a: [1] })).toStrictEqual({ a: [1] });
  expect(echo(new Map([[1, new Set([2])]]))).toEqual(new Map([[1, new Set([2])]]));
  expect(echo(new Set([1]))).not.toEqual(new Set([2]));
  expect(echo(null)).toBeNull();
  expect(echo(undefined)).toBeUndefined();
  expect(echo(0)).toBeDefined();
  expect(echo(NaN)).toBeNaN();
  expect(echo('a')).toBeTruthy();
  expect(echo('')).toBeFalsy();
  expect(echo(0.1 + 0.2)).toBeCloseTo(0.3, 5);
  expect(echo(0.4)).not.toBeCloseTo(0.3, 1);
  expect(echo(3)).toBeGreaterThan(2);
  expect(echo(3)).toBeGreaterThanOrEqual(3);
  expect(echo(3n)).toBeLessThan(4n);
  expect(echo(3)).toBeLessThanOrEqual(3);
  expect(echo([1, 2])).toContain(2);
  expect(echo('team')).toContain('tea');
  expect(echo([{ a: 1 }])).toContainEqual({ a: 1 });
  expect(echo([1, 2])).toHaveLength(2);
  expect(echo('team')).toMatch(/^te/);
  expect(echo({ a: { b: 1 } })).toHaveProperty('a.b', 1);
  expect(echo({ a: 1 })).not.toHaveProperty('b');
  expect(echo({ a: { b: 1, c: 2 } })).toMatchObject({ a: { b: 1 } });
  expect(echo({ a: 1, b: 'x', c: [1, 2] })).toEqual({
    a: expect.any(Number), b: expect.stringContaining('x'), c: expect.arrayContaining([2]),
  });
  expect(new Ghost()).toBeInstanceOf(Ghost);
});
test('errors and promises', async () => {
  expect(() => raise()).toThrow();
  expect(raise).toThrow(Missing);
  expect(raise).toThrow(RangeError);
  expect(raise).toThrow('30 are');
  expect(raise).toThrow(/missing$/);
  expect(raise).not.toThrow('31');
  expect(() => echo(1)).not.toThrow();
  await expect(later()).resolves.toEqual([7]);
  await expect(rejects()).rejects.toThrow(TypeError);
  await expect(rejects()).rejects.toThrow('no');
});
test('calls', () => {
  const noted = jest.fn((one) => one + 1).mockReturnValueOnce(0);
  each([1, 2], noted);
  expect(noted).toHaveBeenCalledTimes(2);
  expect(noted).toHaveBeenCalledWith(1);
  expect(noted).toHaveBeenLastCalledWith(2);
  expect(noted.mock.results.map((one) => one.value)).toEqual([0, 3]);
});
describe('hooks', () => {
  let inner = 0;
  beforeEach(() => { inner += 1; });
  it('run', () => expect([ready, inner]).toEqual([['all', 'each'], 1]));
});
test.each([
  [1, 1],
  [2, 2],
])('each %i', (one, other) => expect(echo(one)).toBe(other));
test('calls back', (done) => { later().then(() => done()); });
test('from the package', () => expect(require('@jest/globals').expect).toBe(expect));
test('no object is as good as a value', () => {
  for (const value of [0, 42, '42', {}, [], { length: 3 }, null]) {
    expect(ghost()).not.toBe(value);
    expect(ghost()).not.toEqual(value);
    expect(ghost()).not.toStrictEqual(value);
    expect([ghost()]).not.toEqual([value]);
  }
  expect(ghost()).not.toBeGreaterThan(1);
  expect(ghost()).not.toBeCloseTo(42);
  expect(ghost()).not.toMatch('42');
});

test('wrong', () => expect(echo(1)).toBe(2));
test('wrong not', () => expect(echo(1)).not.toBe(1));
test('does not throw', () => expect(() => echo(1)).toThrow());
test('throws another', () => expect(raise).toThrow(TypeError));
test('is not rejected', () => expect(later()).rejects.toThrow());
test('is rejected', () => expect(rejects()).resolves.toBe(1));
test('calls back an error', (done) => { later().then(() => done(new Error('no'))); });
test.each([[1, 1], [2, 3]])('one of them %i', (one, other) => expect(echo(one)).toBe(other));
test('an unknown matcher', () => expect(1).toBeWhatever());
test('ends the program', () => { end(); });
test.skip('skipped', () => {});
test.todo('to do');
"""
RIGHT = (
    *("values", "errors and promises", "calls", "run", "each %i", "calls back", "from the package"),
    "no object is as good as a value",
)
WRONG = (
    *("wrong", "wrong not", "does not throw", "throws another", "is not rejected", "is rejected"),
    *("calls back an error", "one of them %i", "an unknown matcher", "ends the program", "skipped", "to do"),
)


@pytest.fixture
def run(tmp_path: Path) -> End:
    return runner(tmp_path, PROGRAM, Suite(Framework.JEST, (File("a.test.js", TESTS),)))


@pytest.mark.parametrize("test", RIGHT)
def test_it_passes_what_is_right(run: End, test: str, tmp_path: Path) -> None:
    ended, said = run(f"a.test.js::{test}"), tmp_path / "feedback" / "teammessage.txt"
    assert ended == PASSED, said.read_text()


def test_nothing_else_passes(run: End) -> None:
    assert [test for test in WRONG if run(f"a.test.js::{test}") != FAILED] == []
