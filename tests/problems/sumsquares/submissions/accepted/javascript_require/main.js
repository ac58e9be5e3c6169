const { square } = require("./lib/squares");

const numbers = require("fs").readFileSync(0, "utf8").trim().split(" ").map(Number);
console.log(numbers.map(square).reduce((a, b) => a + b));
