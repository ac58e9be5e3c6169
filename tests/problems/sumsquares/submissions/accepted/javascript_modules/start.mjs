import { readFileSync } from "node:fs";

import { square } from "./squares.mjs";

const numbers = readFileSync(0, "utf8").trim().split(" ").map(Number);
console.log(numbers.map(square).reduce((a, b) => a + b));
