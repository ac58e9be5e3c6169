"""Calls that a program has no business with, made as somebody would who may: what each is answered."""

import json

import pyseccomp

from sandbox import Command, Sandbox
from tests.jail.running import PYTHON, Ask, answer, limits

# By call: its arguments, as Python text that is evaluated inside. With the right privileges most of them would do
# something; `file` is one that the program may write, `memory` a page of zeroes.
CALLS = {
    "mount": "b'none', b'/tmp', b'tmpfs', 0, None",
    "umount2": "b'/tmp', 2",
    "pivot_root": "b'/tmp', b'/tmp'",
    "chroot": "b'/tmp'",
    "open_tree": "-100, b'/tmp', 1",
    "fsopen": "b'tmpfs', 0",
    "fspick": "-100, b'/tmp', 0",
    "mount_setattr": "-100, b'/usr', 0, memory, 32",
    "swapon": "b'main.py', 0",
    "swapoff": "b'main.py'",
    "setns": "os.open('/proc/self/ns/net', os.O_RDONLY), 0",
    "ptrace": "16, 1, 0, 0",
    "process_vm_readv": "1, ours, 1, theirs, 1, 0",
    "process_vm_writev": "1, ours, 1, theirs, 1, 0",
    "kcmp": "1, os.getpid(), 0, 0, 0",
    "pidfd_getfd": "os.pidfd_open(1), 0, 0",
    "bpf": "5, program, 48",
    "perf_event_open": "memory, -1, 0, -1, 0",
    "init_module": "memory, 4096, b''",
    "finit_module": "file, b'', 0",
    "delete_module": "b'x', 0",
    "kexec_load": "0, 0, None, 0",
    "reboot": "0xfee1dead, 672274793, 0, None",
    "syslog": "5, None, 0",
    "acct": "b'main.py'",
    "settimeofday": "memory, None",
    "clock_settime": "0, memory",
    "sethostname": "b'x', 1",
    "setdomainname": "b'x', 1",
    "iopl": "3",
    "ioperm": "0x80, 1, 1",
    "vhangup": "",
    "open_by_handle_at": "-100, handle, 0",
    "fanotify_init": "0, 0",
    "mknod": "b'node', 0o20666, 0x101",
}

TEXT = """
import ctypes, errno, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
memory = ctypes.create_string_buffer(4096)
program = (ctypes.c_uint32 * 12)(2, 0)
ours, theirs = (ctypes.c_uint64 * 2)(ctypes.addressof(memory), 8), (ctypes.c_uint64 * 2)(0x400000, 8)
handle = (ctypes.c_uint32 * 4)(8, 1)
file = os.open("main.py", os.O_RDWR)
said = {}
for name, (number, arguments) in json.loads(sys.argv[1]).items():
    if number < 0: continue
    values = [v if v is None or isinstance(v, bytes) or not isinstance(v, int) else ctypes.c_long(v)
              for v in eval(f"({arguments},)" if arguments else "()")]
    result = libc.syscall(number, *values)
    said[name] = "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
print(json.dumps(said))
"""


def attempted(sandbox: Sandbox, names: dict[str, str]) -> dict[str, str]:
    """Make these calls in one jail, one after the other; gives `done` or the name of the error for each."""
    numbers = {name: (pyseccomp.resolve_syscall(pyseccomp.system_arch(), name), text) for name, text in names.items()}
    command = Command((PYTHON, "-B", "main.py", json.dumps(numbers)), "python")
    result = answer(sandbox, Ask(command, limits(), {"main.py": (TEXT.encode(), 0o666)})).result
    assert (result.exit_code, result.stderr) == (0, b""), result
    said: dict[str, str] = json.loads(result.stdout)
    return said


def says(sandbox: Sandbox, text: str) -> str:
    """Run Python text that must end well, and give what it wrote."""
    result = answer(sandbox, Ask(Command((PYTHON, "-B", "-c", text), "python"), limits())).result
    assert (result.exit_code, result.stderr) == (0, b""), result
    return result.stdout.decode()
