// One end of the line between the tests and the program, each in a jail of its own: lines of JSON over two pipes. Plain
// values are copied, so that nothing of a program is left in what its tests look at; everything else stays where it is,
// and the other end has a handle of it. All of it is synchronous, so that a test calls a function as it would at home.
'use strict';

const fs = require('fs');

const MOST_DEPTH = 200;
const ODD = { NaN, Infinity, '-Infinity': -Infinity, '-0': -0 };

class Gone extends Error {}

class Peer {
  constructor(reading, writing) {
    Object.assign(this, { reading, writing, kept: [], left: Buffer.alloc(0) });
  }

  say(message) {
    const data = Buffer.from(`${JSON.stringify(message)}\n`);
    for (let at = 0; at < data.length; ) {
      try {
        at += fs.writeSync(this.writing, data, at);
      } catch (error) {
        if (error.code !== 'EAGAIN') throw new Gone('the program has ended');
      }
    }
  }

  hear() {
    const pieces = [];
    for (;;) {
      const end = this.left.indexOf(10);
      if (end >= 0) {
        pieces.push(this.left.subarray(0, end));
        this.left = this.left.subarray(end + 1);
        return JSON.parse(Buffer.concat(pieces).toString());
      }
      pieces.push(this.left);
      const room = Buffer.alloc(65536);
      let count = 0;
      try {
        count = fs.readSync(this.reading, room);
      } catch (error) {
        if (error.code === 'EAGAIN') continue;
      }
      if (count === 0) throw new Gone('the program has ended');
      this.left = room.subarray(0, count);
    }
  }

  // Say something, and give the answer; meanwhile the other end may ask in its turn.
  ask(message) {
    this.say(message);
    for (;;) {
      const heard = this.hear();
      if (heard !== null && typeof heard === 'object' && 'answer' in heard) return heard;
      this.say(this.serve(heard));
    }
  }

  keep(value) {
    this.kept.push(value);
    return this.kept.length - 1;
  }

  // By the number that the other end says: nothing that arrays have besides.
  held(number) {
    if (!Number.isInteger(number) || !Object.hasOwn(this.kept, number)) throw new Error('no value that can be passed on');
    return this.kept[number];
  }

  pack(value, depth = 0) {
    if (depth > MOST_DEPTH) throw new RangeError('a value is nested too deep to be passed on');
    const inner = (one) => this.pack(one, depth + 1);
    if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
    if (typeof value === 'number') {
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { n: Object.is(value, -0) ? '-0' : String(value) };
    }
    if (value === undefined) return { u: 0 };
    if (typeof value === 'bigint') return { i: String(value) };
    const other = this.packOther(value);
    if (other !== undefined) return other;
    if (Array.isArray(value)) return { l: Array.from(value, inner) };
    if (value instanceof Map) return { m: Array.from(value, ([key, member]) => [inner(key), inner(member)]) };
    if (value instanceof Set) return { s: Array.from(value, inner) };
    if (value instanceof Date) return { D: value.getTime() };
    if (typeof value === 'object' && [null, Object.prototype].includes(Object.getPrototypeOf(value))) {
      return { d: Object.entries(value).map(([key, member]) => [key, inner(member)]) };
    }
    return this.packHandle(value);
  }

  unpack(packed, depth = 0) {
    if (depth > MOST_DEPTH) throw new RangeError('a value is nested too deep to be passed on');
    const inner = (one) => this.unpack(one, depth + 1);
    if (packed === null || typeof packed !== 'object') return packed;
    const [[letter, inside]] = Object.entries(packed);
    switch (letter) {
      case 'n':
        if (!Object.hasOwn(ODD, inside)) throw new Error('no value that can be passed on');
        return ODD[inside];
      case 'u':
        return undefined;
      case 'i':
        return BigInt(inside);
      case 'l':
        return inside.map(inner);
      case 'm':
        return new Map(inside.map(([key, member]) => [inner(key), inner(member)]));
      case 's':
        return new Set(inside.map(inner));
      case 'D':
        return new Date(inside);
      case 'd': {
        const made = {};
        for (const [key, member] of inside) {
          Object.defineProperty(made, key, { value: inner(member), enumerable: true, writable: true, configurable: true });
        }
        return made;
      }
    }
    return this.unpackOther(letter, inside);
  }
}

module.exports = { Gone, Peer };
