"""The line between tests and program for JavaScript, as processes of this machine: see test_suite_line."""

from pathlib import Path

import pytest

from domain.model import File
from domain.suite import Framework, Suite
from tests.unit.workers.node_line import FAILED, PASSED, End, runner

PROGRAM = b"""
class Overdrawn extends RangeError {
  constructor(message, missing) {
    super(message);
    this.name = 'Overdrawn';
    this.missing = missing;
  }
}
class Account {
  constructor(money) {
    this.money = money;
    this.log = [];
  }
  pay(money) {
    if (money > this.money) throw new Overdrawn('too much', money - this.money);
    this.money -= money;
    this.log.push(money);
    return this;
  }
  *[Symbol.iterator]() {
    yield* this.log;
  }
}
class Ghost {
  equals() { return true; }
  valueOf() { return 42; }
}
module.exports = {
  Account,
  Overdrawn,
  LIMIT: 3,
  echo: (value) => value,
  sort: (list) => { console.log('sorting'); list.sort(); },
  twice: (call) => call(1) + call(2),
  later: async () => 7,
  rejects: async () => { throw new TypeError('no'); },
  ghost: () => new Ghost(),
  end: () => process.exit(0),
};
"""
TESTS = b"""
const test = require('node:test');
const assert = require('node:assert');
const { Account, Overdrawn, LIMIT, echo, sort, twice, later, rejects, ghost, end } = require('./solution');

test('all', async () => {
  const account = new Account(100);
  assert.strictEqual(account.pay(30).money, 70);
  assert.deepStrictEqual([account.log, [...account], LIMIT], [[30], [30], 3]);
  assert.ok(account instanceof Account);
  assert.throws(() => account.pay(100), Overdrawn);
  assert.throws(() => account.pay(100), RangeError);
  assert.throws(() => account.pay(100), { name: 'Overdrawn', missing: 30 });
  assert.throws(() => echo(Symbol('x')), TypeError);
  assert.strictEqual(await later(), 7);
  await assert.rejects(rejects(), TypeError);
  const list = [3, 1, 2];
  sort(list);
  assert.deepStrictEqual(list, [1, 2, 3]);
  assert.strictEqual(twice((number) => number * 10), 30);
  const plain = [null, undefined, true, 1, -0, NaN, 10n, 'x', [1, [2]], { a: { b: 1 }, ['__proto__']: 1 }];
  for (const value of [...plain, new Map([[1, new Set([2])]]), new Date(5)]) {
    assert.deepStrictEqual(echo(value), value);
  }
});
test('no object is as good as a value', () => {
  for (const value of [0, 1, '', {}, [], { a: 1 }, new Map(), ghost()]) {
    assert.notDeepStrictEqual(ghost(), value);
    assert.notDeepEqual(ghost(), value);
    assert.notStrictEqual(ghost(), value);
    assert.notDeepEqual([ghost()], [value]);
  }
});
test('wrong', () => assert.strictEqual(echo(1), 2));
test('the program ends', () => { end(); });
test('skipped', { skip: true }, () => {});
test('to do', { todo: true }, () => {});
test('ends', () => { process.exit(0); });
test('never', () => new Promise(() => {}));
"""
MODULE = b"""
import test from 'node:test';
import assert from 'node:assert';
import { echo } from './solution.mjs';
import whole, { Account } from './main.js';
import { own } from './own.mjs';

test('a module', () => assert.deepStrictEqual([echo(1), new Account(2).money, whole.LIMIT, own], [1, 2, 3, 4]));
"""
UNFINISHED = ("wrong", "the program ends", "skipped", "to do", "ends", "never", "nowhere")


@pytest.fixture
def run(tmp_path: Path) -> End:
    files = (
        File("a.test.js", TESTS),
        File("b.test.mjs", MODULE),
        File("own.mjs", b"export const own = 4;\n"),
    )
    return runner(tmp_path, PROGRAM, Suite(Framework.NODE, files))


@pytest.mark.parametrize(
    "test", ["a.test.js::all", "a.test.js::no object is as good as a value", "b.test.mjs::a module"]
)
def test_it_passes_what_is_right(run: End, test: str) -> None:
    assert run(test) == PASSED


def test_nothing_else_passes(run: End, tmp_path: Path) -> None:
    passed = [name for name in UNFINISHED if run(f"a.test.js::{name}") != FAILED]
    assert passed == []
    assert (tmp_path / "feedback" / "teammessage.txt").read_text() == "the test did not run to its end"
