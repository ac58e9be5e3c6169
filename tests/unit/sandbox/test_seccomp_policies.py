import errno
import fcntl
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pyseccomp
import pytest

from sandbox import seccomp
from sandbox.result import SandboxError
from sandbox.seccomp import OWN_CALLS, Policies, Policy, compile_policy, load, name_of

CONFIGS = Path(__file__).parents[3] / "jail-configs" / "seccomp"
OWN = "\n".join(f'{call} = "own"' for call in OWN_CALLS)
Write = Callable[..., None]

# Return values of a filter: include/uapi/linux/seccomp.h
KILL_PROCESS, USER_NOTIF, ALLOW, ERRNO = 0x80000000, 0x7FC00000, 0x7FFF0000, 0x00050000
X86_64 = 0xC000003E


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a policy into an empty folder."""

    def write(name: str, text: str) -> None:
        (tmp_path / f"{name}.toml").write_text(text)

    return write


def verdict(program: bytes, call: str | int, *arguments: int, arch: int = X86_64) -> int:
    """Run a filter on one call, as the kernel would: an interpreter of the few instructions that libseccomp emits."""
    found = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call) if isinstance(call, str) else call
    assert isinstance(found, int)
    filled = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", found & 0xFFFFFFFF, arch, 0, *(value & (2**64 - 1) for value in filled))
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator, position = 0, 0
    while True:
        operation, jump_true, jump_false, constant = code[position]
        position += 1
        match operation:
            case 0x20:  # load a word
                (accumulator,) = struct.unpack_from("=I", data, constant)
            case 0x54:  # and
                accumulator &= constant
            case 0x05:  # jump
                position += constant
            case 0x15:  # jump if equal
                position += jump_true if accumulator == constant else jump_false
            case 0x25:  # jump if greater
                position += jump_true if accumulator > constant else jump_false
            case 0x35:  # jump if greater or equal
                position += jump_true if accumulator >= constant else jump_false
            case 0x06:  # return
                value: int = constant
                return value
            case other:
                raise AssertionError(f"unknown instruction {other:#x}")


native = pytest.mark.parametrize("name", [path.stem for path in sorted(CONFIGS.glob("*.toml"))])


@native
def test_every_policy_of_ours_compiles_and_is_small_enough(name: str) -> None:
    program = Policies(CONFIGS).filter(name)
    assert len(program) % 8 == 0
    assert 0 < len(program) // 8 <= 4096


@native
def test_every_call_has_the_verdict_of_its_table(name: str) -> None:
    policy, program = load(CONFIGS, name), Policies(CONFIGS).filter(name)
    conditional = {"clone", "socket", "socketpair", "setsockopt", "prlimit64", "prctl"}
    for call in policy.allow.keys() - conditional:
        assert verdict(program, call) == ALLOW, call
    for call in policy.kill:
        if seccomp._native(policy, call):
            assert verdict(program, call) == USER_NOTIF, call
    for call, error in policy.errors.items():
        assert verdict(program, call) == ERRNO | getattr(errno, error), call
    for call in policy.nothing:
        assert verdict(program, call) == ERRNO, call


@native
def test_what_no_table_names_is_not_there(name: str) -> None:
    program = Policies(CONFIGS).filter(name)
    for call in ("seccomp", "landlock_restrict_self", "sync", "memfd_secret", "modify_ldt", 999, 5000):
        assert verdict(program, call) == ERRNO | errno.ENOSYS, call


@native
def test_other_architectures_end_the_program(name: str) -> None:
    program = Policies(CONFIGS).filter(name)
    assert verdict(program, 20, arch=0x40000003) == KILL_PROCESS  # i386
    assert verdict(program, 0x40000000 | 39) == KILL_PROCESS  # x32
    assert verdict(program, 0, arch=0) == KILL_PROCESS


@native
def test_namespaces_cannot_be_made(name: str) -> None:
    policy, program = load(CONFIGS, name), Policies(CONFIGS).filter(name)
    refused = USER_NOTIF if "clone" in policy.kill else ERRNO | errno.ENOSYS
    child = ALLOW if "clone" in policy.allow else refused
    assert verdict(program, "clone", 0x1200011) == child
    assert verdict(program, "clone", 0x3D0F00) == child  # a thread
    for bit in (7, 17, 25, 26, 27, 28, 29, 30):
        assert verdict(program, "clone", 1 << bit) == refused
        assert verdict(program, "unshare", 1 << bit) == ERRNO | errno.ENOSYS
        assert verdict(program, "unshare", 1 << bit | 0x400) == ERRNO | errno.ENOSYS
    assert verdict(program, "unshare", 0x400) == ALLOW
    assert verdict(program, "setns", 0, 0) == USER_NOTIF


@native
def test_sockets_of_listed_families_alone(name: str) -> None:
    policy, program = load(CONFIGS, name), Policies(CONFIGS).filter(name)
    refused = USER_NOTIF if "socket" in policy.kill else ERRNO | errno.ENOSYS
    for family in range(50):
        allowed = "socket" in policy.allow and family in policy.socket_families
        assert verdict(program, "socket", family, 1) == (ALLOW if allowed else refused)
        # A pair of any other family is made as a socket is, before it is refused.
        granted = "socketpair" in policy.allow and family == socket.AF_UNIX
        assert verdict(program, "socketpair", family, 1) == (ALLOW if granted else ERRNO | errno.ENOSYS)
    assert verdict(program, "socket", 2 | 1 << 32, 1) == refused


@native
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_no_internet_sockets_but_tcp_and_udp(name: str, family: int) -> None:
    policy, program = load(CONFIGS, name), Policies(CONFIGS).filter(name)
    refused = USER_NOTIF if "socket" in policy.kill else ERRNO | errno.ENOSYS
    granted = ALLOW if "socket" in policy.allow and family in policy.socket_families else refused
    flags = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    for kind in range(16):
        for protocol in (0, 1, 6, 17, 33, 58, 132, 136, 255, 262, 6 | 1 << 32):
            usual = (kind, protocol) in {(1, 0), (1, 6), (2, 0), (2, 17)}
            assert verdict(program, "socket", family, kind | flags, protocol) == (granted if usual else refused)


@native
def test_no_options_that_put_protocols_on_top_of_tcp(name: str) -> None:
    policy, program = load(CONFIGS, name), Policies(CONFIGS).filter(name)
    refused = USER_NOTIF if "setsockopt" in policy.kill else ERRNO | errno.ENOSYS
    usual = ALLOW if "setsockopt" in policy.allow else refused
    assert verdict(program, "setsockopt", 3, socket.SOL_SOCKET, socket.SO_REUSEADDR) == usual
    assert verdict(program, "setsockopt", 3, socket.IPPROTO_TCP, socket.TCP_NODELAY) == usual
    for level, option in ((6, 31), (6, 19), (6, 31 | 1 << 32), (6 | 1 << 32, 31), (132, 0), (263, 0), (282, 1)):
        assert verdict(program, "setsockopt", 3, level, option) == refused


@native
def test_nobody_brings_filters_into_the_kernels_memory(name: str) -> None:
    policy, program = load(CONFIGS, name), Policies(CONFIGS).filter(name)
    for option in (26, 50, 51, 52, 26 | 1 << 32):  # SO_ATTACH_FILTER and its kin
        assert verdict(program, "setsockopt", 3, socket.SOL_SOCKET, option) == ERRNO | errno.ENOSYS
    for option in (22, 62, 22 | 1 << 32):  # PR_SET_SECCOMP; PR_SCHED_CORE
        assert verdict(program, "prctl", option, 2) == ERRNO | errno.ENOSYS
    for option in (1, 3, 4, 15, 16, 38, 39):
        assert verdict(program, "prctl", option) == (ALLOW if "prctl" in policy.allow else ERRNO | errno.ENOSYS)


@native
@pytest.mark.parametrize(("call", "at", "bit"), [("mmap", 3, 0x40000), ("memfd_create", 1, 4), ("shmget", 2, 0o4000)])
def test_nobody_takes_huge_pages_that_were_set_aside(name: str, call: str, at: int, bit: int) -> None:
    policy, program = load(CONFIGS, name), Policies(CONFIGS).filter(name)
    allowed = call in policy.allow
    for flags in (0, 0x22, 0x7FFFFFFF & ~bit):
        arguments = [0, 0, 0, 0]
        arguments[at] = flags & ~bit
        assert verdict(program, call, *arguments) == (ALLOW if allowed else ERRNO | errno.ENOSYS)
        arguments[at] |= bit
        assert verdict(program, call, *arguments) == ERRNO | (errno.ENOMEM if allowed else errno.ENOSYS)


@pytest.mark.parametrize("call", ["clone", "clone3", "fork", "vfork", "socket", "connect", "mkdir", "unlink", "ptrace"])
def test_the_check_of_sources_has_nothing_to_spare(call: str) -> None:
    assert verdict(Policies(CONFIGS).filter("check"), call) in {USER_NOTIF, ERRNO | errno.ENOSYS}


@native
def test_limits_of_oneself_alone(name: str) -> None:
    program = Policies(CONFIGS).filter(name)
    assert verdict(program, "prlimit64", 0, 1) == ALLOW
    assert verdict(program, "prlimit64", 1, 1) == ERRNO | errno.ENOSYS


@native
def test_a_file_can_be_asked_but_not_for_what_others_do_with_it(name: str) -> None:
    program = Policies(CONFIGS).filter(name)
    for command in (fcntl.F_DUPFD, fcntl.F_GETFL, fcntl.F_DUPFD_CLOEXEC, fcntl.F_SETPIPE_SZ):
        assert verdict(program, "fcntl", 0, command) == ALLOW, command
    for command in (fcntl.F_SETLEASE, fcntl.F_GETLEASE, fcntl.F_NOTIFY):
        assert verdict(program, "fcntl", 0, command) == ERRNO | errno.ENOSYS, command
        assert verdict(program, "fcntl", 0, command | 1 << 32) == ERRNO | errno.ENOSYS, command


@native
def test_locks_of_parts_of_files_are_counted(name: str) -> None:
    program = Policies(CONFIGS).filter(name)
    for command in (fcntl.F_SETLK, fcntl.F_SETLKW, fcntl.F_OFD_SETLK, fcntl.F_OFD_SETLKW):
        assert verdict(program, "fcntl", 0, command) == USER_NOTIF, command
        assert verdict(program, "fcntl", 0, command | 1 << 32) == ERRNO | errno.ENOSYS, command
    learning = Policies(CONFIGS, learning=True).filter(name)
    assert verdict(learning, "fcntl", 0, fcntl.F_SETLK) == ALLOW


@native
def test_every_call_has_a_reason(name: str) -> None:
    policy = load(CONFIGS, name)
    assert all(reason.strip() for reason in (*policy.allow.values(), *policy.nothing.values(), *policy.kill.values()))


@native
def test_no_call_is_both_allowed_and_refused(name: str) -> None:
    policy = load(CONFIGS, name)
    assert not policy.allow.keys() & (policy.nothing.keys() | policy.kill.keys() | policy.errors.keys())


def test_learning_lets_the_keeper_see_what_a_policy_lacks(tmp_path: Path, write: Write) -> None:
    write("p", f'[allow]\n{OWN}\n[kill]\nmount = "x"\n[errno]\ncapset = "EPERM"')
    program = Policies(tmp_path, learning=True).filter("p")
    for call in ("mount", "capset", "getpid"):
        assert verdict(program, call) == USER_NOTIF
    assert verdict(program, "read") == ALLOW


def test_an_unknown_call_is_named(tmp_path: Path, write: Write) -> None:
    for table in ("allow", "kill"):
        write(
            "p",
            f'[allow]\n{OWN}\n[{table}]\nno_such_call = "x"'
            if table != "allow"
            else f'[allow]\n{OWN}\nno_such_call = "x"',
        )
        with pytest.raises(SandboxError, match=r"policy 'p': libseccomp knows no system call 'no_such_call'"):
            Policies(tmp_path).filter("p")


def test_a_call_of_another_architecture_is_left_out(tmp_path: Path, write: Write) -> None:
    policy = Policy("p", dict.fromkeys(OWN_CALLS, "own"), {}, {}, {}, ())
    foreign = "open" if pyseccomp.system_arch() != seccomp.ARCHITECTURES["x86_64"] else "sync_file_range2"
    monkey = Policy("p", {**policy.allow}, {}, {}, {}, ())
    assert compile_policy(monkey) == compile_policy(policy)
    assert foreign


@pytest.mark.parametrize("missing", OWN_CALLS)
def test_what_init_itself_calls_must_be_allowed(missing: str) -> None:
    policy = Policy("p", {call: "own" for call in OWN_CALLS if call != missing}, {}, {}, {}, ())
    with pytest.raises(SandboxError, match=rf"policy 'p' must allow \['{missing}'\]"):
        compile_policy(policy)


def test_includes_are_put_together_and_the_later_one_overrides(tmp_path: Path, write: Write) -> None:
    write(
        "base",
        f'[allow]\n{OWN}\n[kill]\nmount = "no"\nbpf = "no"\n[errno]\nmbind = "EPERM"\n[socket_families]\nunix = 1',
    )
    write("more", 'include = ["base"]\n[allow]\nmount = "yes"\nmbind = "yes"\n[socket_families]\ninet = 2')
    write("most", 'include = ["more"]\n[errno]\npersonality = "EPERM"')
    policy = load(tmp_path, "most")
    assert {"mount", "mbind", *OWN_CALLS} == set(policy.allow)
    assert (set(policy.kill), set(policy.errors)) == ({"bpf"}, {"personality"})
    assert policy.socket_families == (1, 2)


def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, write: Write) -> None:
    write("syntax", "[allow")
    write("keys", 'include = []\nallowed = {}\n[deny]\nx = "y"')
    write("lost", 'include = ["nowhere"]')
    for name, message in (
        ("missing", "'missing' cannot be read"),
        ("syntax", "'syntax' cannot be read"),
        ("keys", r"unknown keys \['allowed', 'deny'\]"),
        ("lost", "'nowhere' cannot be read"),
    ):
        with pytest.raises(SandboxError, match=message):
            Policies(tmp_path).filter(name)


def test_all_are_checked(tmp_path: Path, write: Write) -> None:
    write("a", f"[allow]\n{OWN}")
    write("b", "[allow]")
    policies = Policies(tmp_path)
    assert policies.names == ["a", "b"]
    with pytest.raises(SandboxError, match="'b' must allow"):
        policies.check()


def test_a_policy_is_compiled_once(tmp_path: Path, write: Write) -> None:
    write("a", f"[allow]\n{OWN}")
    policies = Policies(tmp_path)
    first = policies.filter("a")
    write("a", "broken")
    assert policies.filter("a") is first


def test_calls_have_names() -> None:
    number = pyseccomp.resolve_syscall(pyseccomp.system_arch(), "ptrace")
    assert isinstance(number, int)
    assert name_of(number) == "ptrace"
    assert name_of(99_999) == "#99999"
