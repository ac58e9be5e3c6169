class Odd {
  get [Symbol.toStringTag]() {
    return '\ud800\u0000';
  }
}

function two_sum() {
  return new Odd();
}
