const { writeSync } = require("fs");
for (;;) writeSync(1, "and again, and again, and again\n");
