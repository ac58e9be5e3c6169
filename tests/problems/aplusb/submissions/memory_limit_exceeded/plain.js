// On V8's heap: the limit on it must lie above what the kernel allows.
const blocks = [];
for (let n = 0; ; n++) blocks.push(new Array(10_000).fill(n + 0.5));
