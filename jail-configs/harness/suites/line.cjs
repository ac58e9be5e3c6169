// The tests' end of the line, loaded before them: gives them what stands in for the program's modules. A stand-in is no
// plain value: it is equal to none, and what it is turned into (a number, a string) is compared here.
'use strict';

const { Peer } = require('./peer.cjs');

const BUILTIN = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const numbers = new WeakMap();
// A member of every stand-in's own, and in each another value: so that none is deeply equal to anything else.
const MARK = '[of the program]';

class Foreign {}

class Tests extends Peer {
  do(op, ...given) {
    const packed = this.pack(given);
    const heard = this.ask({ op, arguments: packed });
    if (heard.error) {
      const error = this.error(...heard.error);
      if (heard.promised === true) return Promise.reject(error);
      throw error;
    }
    if (heard.after !== undefined && JSON.stringify(heard.after) !== JSON.stringify(packed)) {
      changed(given, this.unpack(heard.after));
    }
    const answer = this.unpack(heard.answer);
    return heard.promised === true ? Promise.resolve(answer) : answer;
  }

  serve(message) {
    try {
      return { answer: this.pack(this.held(message.number)(...this.unpack(message.arguments))) };
    } catch (error) {
      return { answer: null, error: `${error?.name}: ${error?.message}` };
    }
  }

  error(number, names, name, message, more, stack) {
    const kind = names.find((one) => Object.hasOwn(BUILTIN, one));
    const made = new (BUILTIN[kind] ?? Error)(String(message));
    if (made.name !== name) Object.defineProperty(made, 'name', { value: String(name), configurable: true });
    const own = this.unpack(more);
    for (const key of Object.keys(own)) Object.defineProperty(made, key, Object.getOwnPropertyDescriptor(own, key));
    made.stack += `\nin the program:\n${stack}`;
    numbers.set(made, number);
    return made;
  }

  packOther(value) {
    return numbers.has(Object(value)) ? { h: numbers.get(value) } : undefined;
  }

  packHandle(value) {
    if (typeof value === 'function') return { c: this.keep(value) };
    throw new TypeError('only plain values and functions can be passed to the program');
  }

  unpackOther(letter, inside) {
    if (letter === 'c') return this.held(inside);
    if (letter !== 'h') throw new Error('no value that can be passed on');
    return standIn(this, ...inside);
  }
}

function standIn(peer, number, kind) {
  const target = kind === 'function' ? function program() {} : new Foreign();
  Object.defineProperty(target, MARK, { value: Symbol(number), enumerable: true, configurable: true });
  const made = new Proxy(target, {
    get: (own, key) => (key === MARK ? own[MARK] : typeof key === 'string' ? named(peer, made, key) : symbol(peer, made, key)),
    set: (_, key, value) => (typeof key === 'string' ? peer.do('set', made, key, value) === true : false),
    has: (_, key) => typeof key === 'string' && peer.do('has', made, key) === true,
    apply: (_, self, given) => peer.do('call', made, numbers.has(Object(self)) ? self : undefined, given),
    construct: (_, given) => Object(peer.do('new', made, given)),
    defineProperty: () => false,
    deleteProperty: () => false,
    setPrototypeOf: () => false,
  });
  numbers.set(made, Number(number));
  return made;
}

// A stand-in is awaited as it is: it is no promise, whatever it has.
const named = (peer, made, key) => (key === 'then' ? undefined : peer.do('get', made, key));

function symbol(peer, made, key) {
  if (key === Symbol.toPrimitive) return (hint) => peer.do('primitive', made, hint);
  if (key === Symbol.hasInstance) return (one) => numbers.has(Object(one)) && peer.do('is', made, one) === true;
  if (key !== Symbol.iterator) return undefined;
  return function* all() {
    const iterator = peer.do('iterator', made);
    if (iterator === null) throw new TypeError('what the program gave cannot be iterated');
    for (let found = peer.do('next', iterator); found.length === 1; found = peer.do('next', iterator)) yield found[0];
  };
}

// Do to what was passed what the program did to its copies.
function changed(before, after) {
  before.forEach((old, index) => {
    const made = after[index];
    if (Array.isArray(old) && Array.isArray(made)) {
      if (old.length === made.length) changed(old, made);
      if (JSON.stringify(line.pack(old)) !== JSON.stringify(line.pack(made))) old.splice(0, old.length, ...made);
    } else if ((old instanceof Map && made instanceof Map) || (old instanceof Set && made instanceof Set)) {
      old.clear();
      for (const one of made) old instanceof Map ? old.set(...one) : old.add(one);
    } else if (old !== null && typeof old === 'object' && Object.getPrototypeOf(old) === Object.prototype) {
      for (const key of Object.keys(old)) if (!Object.hasOwn(Object(made), key)) delete old[key];
      for (const key of Object.keys(Object(made))) {
        Object.defineProperty(old, key, Object.getOwnPropertyDescriptor(made, key));
      }
    }
  });
}

const line = new Tests(3, 4);
const modules = new Map();

globalThis[Symbol.for('shipd.module')] = (asked) => {
  if (!modules.has(asked)) modules.set(asked, line.do('module', asked));
  return modules.get(asked);
};
