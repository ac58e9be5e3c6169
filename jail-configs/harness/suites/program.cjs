// Runs in the program's jail, in the program's place: does what the tests ask for, one thing after the other. The
// program shares this process and may do to it what it likes: the tests, and what they expect, are in another jail.
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { Console } = require('console');
const { Gone, Peer } = require('./peer.cjs');

const BOX = path.dirname(__dirname);
const { entry } = JSON.parse(fs.readFileSync(path.join(__dirname, 'call.json'), 'utf8'));
// The line is on stdin and stdout; what the program writes is its stderr.
Object.defineProperty(process, 'stdout', { value: process.stderr });
globalThis.console = new Console(process.stderr, process.stderr);

class Program extends Peer {
  async serveAll() {
    for (;;) {
      let heard;
      try {
        heard = this.hear();
      } catch (error) {
        if (error instanceof Gone) return;
        throw error;
      }
      this.say(await this.served(heard));
    }
  }

  async served(message) {
    let promised = false;
    try {
      const given = this.unpack(message.arguments);
      let done = this.done(message.op, given);
      promised = typeof done?.then === 'function' && message.op !== 'module';
      if (promised || message.op === 'module') done = await done;
      return { answer: this.pack(done), after: this.pack(given), promised };
    } catch (error) {
      return { ...this.failed(error), promised };
    }
  }

  // Asked while the program calls something of the tests.
  serve(message) {
    try {
      const given = this.unpack(message.arguments);
      return { answer: this.pack(this.done(message.op, given)), after: this.pack(given) };
    } catch (error) {
      return this.failed(error);
    }
  }

  failed(error) {
    const names = [];
    for (let kind = Object(error); kind; kind = Object.getPrototypeOf(kind)) names.push(String(kind.constructor?.name));
    const own = error instanceof Error ? Object.entries(error) : [];
    const told = [this.keep(error), names, String(error?.name), String(error?.message ?? error)];
    let more = { d: [] };
    try {
      more = this.pack(Object.fromEntries(own));
    } catch {
      // what cannot be passed on is left out
    }
    return { answer: null, error: [...told, more, String(error?.stack).slice(0, 4000)] };
  }

  done(op, given) {
    const [target, ...rest] = given;
    switch (op) {
      case 'module':
        return this.module(target);
      case 'get':
        return target[rest[0]];
      case 'has':
        return rest[0] in target;
      case 'set':
        target[rest[0]] = rest[1];
        return true;
      case 'call':
        return Reflect.apply(target, rest[0], rest[1]);
      case 'new':
        return Reflect.construct(target, rest[0]);
      case 'is':
        return rest[0] instanceof target;
      case 'primitive':
        return rest[0] === 'string' ? String(target) : target.valueOf?.();
      case 'iterator':
        return typeof target[Symbol.iterator] === 'function' ? new Kept(target[Symbol.iterator]()) : null;
      case 'next': {
        const { done, value } = target.next();
        return done ? [] : [value];
      }
    }
    throw new Error(`no such thing: ${op}`);
  }

  async module(asked) {
    const base = path.join(BOX, asked);
    const places = ['', '.js', '.cjs', '.mjs', '/index.js'].map((more) => base + more);
    const named = path.basename(base).replace(/\.[cm]?js$/, '');
    if (path.dirname(base) === BOX && named === 'solution') places.push(path.join(BOX, entry));
    const found = places.find((place) => fs.statSync(place, { throwIfNoEntry: false })?.isFile());
    if (found === undefined) throw new Error(`the program has no module ${asked}`);
    const loaded = await import(pathToFileURL(found).href);
    const exported = 'module.exports' in loaded ? loaded['module.exports'] : loaded.default;
    const made = found.endsWith('.mjs') || exported === undefined ? loaded : exported;
    const names = new Set([...Object.keys(Object(made)), ...Object.keys(loaded)]);
    return [new Kept(made), [...names].filter((name) => name !== 'default' && name !== 'module.exports')];
  }

  packOther(value) {
    if (value instanceof Kept) return this.packHandle(value.value);
    return stubs.has(value) ? { c: stubs.get(value) } : undefined;
  }

  packHandle(value) {
    return { h: [this.keep(value), typeof value] };
  }

  unpackOther(letter, inside) {
    if (letter === 'h') return this.kept[inside];
    if (letter !== 'c') throw new Error('no value that can be passed on');
    const stub = (...given) => {
      const heard = this.ask({ op: 'back', number: inside, arguments: this.pack(given) });
      if (heard.error) throw new Error(String(heard.error));
      return this.unpack(heard.answer);
    };
    stubs.set(stub, inside);
    return stub;
  }
}

// What is to stay here, whatever it is.
class Kept {
  constructor(value) {
    this.value = value;
  }
}

const stubs = new WeakMap();
new Program(0, 1).serveAll();
