// Everything that a program of Node's sees of its own process.
const fs = require("fs");
const os = require("os");

const own = (name) => fs.readFileSync("/proc/self/" + name, "utf8");
// What differs between any two processes: sizes, places in memory, moments.
const VARYING = /^(Vm|Rss|Hugetlb|voluntary|nonvoluntary|Speculation|x86|Mems_allowed:|Cpus_allowed:)/;
const descriptor = (n) => [fs.readlinkSync(`/proc/self/fd/${n}`), own(`fdinfo/${n}`)].join().replace(/\d{3,}/g, "N");
const status = ({ mode, uid, gid, size, nlink }) => [mode, uid, gid, size, nlink];
const folders = ["/box", "/tmp", "/dev/shm", "/proc/self/fd"];

console.log(JSON.stringify({
  arguments: [process.argv, process.execArgv, process.execPath, process.argv0, process.title],
  environment: Object.entries(process.env),
  main: [__filename, __dirname, require.main === module, module.paths, Object.keys(require.cache)],
  modules: process.moduleLoadList,
  globals: Object.getOwnPropertyNames(globalThis),
  stack: new Error("here").stack,
  folder: [process.cwd(), process.umask(), ...folders.map((name) => fs.readdirSync(name))],
  files: [status(fs.statSync(__filename)), status(fs.statSync("/box")).toSpliced(3, 1)],
  descriptors: [0, 1, 2].map(descriptor),
  streams: [process.stdin, process.stdout, process.stderr].map((one) => [one.isTTY, one.constructor.name]),
  stdin: fs.readFileSync(0, "utf8"),
  ids: [process.pid, process.ppid, process.getuid(), process.getgid(), process.getgroups()],
  status: own("status").split("\n").filter((line) => !VARYING.test(line)),
  texts: ["cmdline", "environ", "limits", "cgroup", "coredump_filter", "oom_score_adj", "personality"].map(own),
  mounts: own("mountinfo").split("\n").map((line) => line.split(" ").slice(3)),
  mapped: [...new Set(own("maps").split("\n").map((line) => line.split(/\s+/).slice(5).join(" ")))].sort(),
  priorities: own("stat").split(" ").slice(15, 20),
  processes: fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)),
  room: [require("v8").getHeapStatistics().heap_size_limit, os.totalmem(), os.cpus().length],
  waiting: process.getActiveResourcesInfo(),
  listeners: process.eventNames().map(String),
}));
