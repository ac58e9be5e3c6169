const [a, b] = require("fs").readFileSync(0, "utf8").split(" ");
console.log(a + b);
