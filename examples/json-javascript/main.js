const items = JSON.parse(require("fs").readFileSync(0, "utf8"));
const total = items.reduce((sum, item) => sum + item.price * item.count, 0);
console.log(total.toFixed(2));
