"""Runs inside a jail: looks around and writes what it found as JSON."""

import errno
import json
import os
import resource


def tried(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


def made(folder):
    os.close(os.open(f"{folder}/.made", os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    os.unlink(f"{folder}/.made")


def text(path):
    with open(path, errors="surrogateescape") as file:
        return file.read()


found = {"descriptors": [n for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]}
found["status"] = dict(line.split(":\t", 1) for line in text("/proc/self/status").splitlines() if ":\t" in line)
found["groups"] = os.getgroups()
found["pids"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
found["environment"] = dict(os.environ)
found["session"] = [os.getpid(), os.getpgid(0), os.getsid(0)]
found["host"] = os.uname().nodename
for path in ("/", "/dev", "/etc", "/box", "/tmp", "/dev/shm", "/usr/local"):
    found[path] = sorted(os.listdir(path))
for name in ("environ", "mem", "maps", "auxv", "io", "stack", "syscall"):
    found[f"read /proc/1/{name}"] = tried(lambda name=name: open(f"/proc/1/{name}", "rb").read(1))
for name in ("fd", "fdinfo", "map_files", "root/", "cwd/", "exe/", "ns/mnt/", "ns/user/"):
    found[f"list /proc/1/{name}"] = tried(lambda name=name: os.listdir(f"/proc/1/{name}"))
for name in ("root", "cwd", "exe", "ns/mnt", "ns/user"):
    found[f"link /proc/1/{name}"] = tried(lambda name=name: os.readlink(f"/proc/1/{name}"))
found["kill 1"] = tried(lambda: os.kill(1, 9))
found["prlimit 1"] = tried(lambda: resource.prlimit(1, resource.RLIMIT_CPU))
found["affinity 1"] = tried(lambda: os.sched_setaffinity(1, os.sched_getaffinity(0)))
found["priority 1"] = tried(lambda: os.setpriority(os.PRIO_PROCESS, 1, 5))
for folder in ("/", "/usr", "/usr/bin", "/usr/local", "/etc", "/dev", "/bin", "/lib", "/etc/alternatives"):
    found[f"write {folder}"] = tried(lambda folder=folder: made(folder))
for folder in ("/proc", "/proc/self", "/box", "/tmp", "/dev/shm"):
    found[f"write {folder}"] = tried(lambda folder=folder: made(folder))
for name in ("/etc/passwd", "/usr/bin/python3", "/proc/sys/kernel/hostname", "/proc/self/oom_score_adj"):
    found[f"open {name}"] = tried(lambda name=name: os.open(name, os.O_WRONLY))
for name in ("/etc/shadow", "/root", "/home", "/var", "/run", "/sys", "/sys/fs/cgroup", "/dev/kvm", "/dev/tty"):
    found[f"stat {name}"] = tried(lambda name=name: os.stat(name))
for name in ("/proc/kcore", "/proc/kmsg", "/proc/sysrq-trigger", "/proc/kpagecount"):
    found[f"read {name}"] = tried(lambda name=name: open(name, "rb").read(1))
found["mountinfo"] = text("/proc/self/mountinfo")
found["mounts"] = [(line.split()[4], line.split()[5].split(",")) for line in found["mountinfo"].splitlines()]
found["command lines"] = [text(f"/proc/{pid}/cmdline") for pid in found["pids"]]
found["own cgroup"] = text("/proc/self/cgroup")
found["interfaces"] = [line.split(":")[0].strip() for line in text("/proc/net/dev").splitlines()[2:]]
found["routes"] = text("/proc/net/route").splitlines()[1:]
found["setuid 0"] = tried(lambda: os.setuid(0))
found["setuid 1"] = tried(lambda: os.setuid(1))
found["setgid 0"] = tried(lambda: os.setgid(0))
found["setgroups"] = tried(lambda: os.setgroups([0]))
print(json.dumps(found))
