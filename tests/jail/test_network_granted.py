"""T7, and T6 with the network on: what a run was granted is reached, and nothing else, whatever it tries.

Everything happens in an internet of the test's own (`tests/jail/internet.py`), which answers at every address: what a
jail got through the fences is heard there, so silence is a proof and not a guess.
"""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from sandbox import Allow, Command, Network, NetworkConfig, Protocol, Sandbox, SandboxConfig, SandboxError, Slot
from sandbox.network import Link, host, namespace, tools, trial
from sandbox.network.link import linked
from sandbox.network.model import DEFAULT_BLOCK
from tests.jail.asking import ASK, ask
from tests.jail.internet import GATEWAY, HOST, HOST6, Heard, Internet, internet
from tests.jail.running import MIB, PYTHON, limits

TREE = Path(__file__).parents[2]
PUBLIC, OTHER = "203.0.113.7", "198.51.100.20"
CONTROL_PLANE = "203.0.113.200"
RESOLVER = "10.0.0.53"
ETH_P_IP, PACKET_OUTGOING = 0x0800, 4
EVERYTHING = Network()
REFUSED = {"EHOSTUNREACH", "EPERM", "ENETUNREACH", "ECONNREFUSED", "EADDRNOTAVAIL", "EACCES", "EINVAL"}

DENIED = (
    *("0.0.0.1", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.2", "169.254.169.254"),
    *("169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.88.99.1", "192.168.0.1", "198.18.0.1"),
    *("198.19.255.255", "168.63.129.16", "224.0.0.251", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *(HOST, CONTROL_PLANE),
)
IPV6 = (
    *("::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:127.0.0.1", "::10.0.0.1", "fd00:ec2::254"),
    *("fd00::1", "fe80::1", "ff02::1", "64:ff9b::a9fe:a9fe", "2002:a00:1::1", "2001:db8::1", "2606:4700::1", HOST6),
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make links; that others are refused is tested")


@pytest.fixture
def net() -> Iterator[Internet]:
    """An internet of the test's own; runs leave nothing on its host."""
    with internet() as made:
        before = made.traces()
        yield made
        assert made.traces() == before


@pytest.fixture
def networked(configs: Mapping[str, SandboxConfig]) -> SandboxConfig:
    """A configuration that offers a network."""
    return offering(configs["cgroup"])


def offering(config: SandboxConfig, *, slots: int = 2, resolver: str | None = None) -> SandboxConfig:
    """Let a configuration offer a network."""
    network = NetworkConfig(deny=(IPv4Network(CONTROL_PLANE),), resolver=IPv4Address(resolver) if resolver else None)
    return SandboxConfig(config.instance, config.state_dir, config.jail_configs, slots=slots, network=network)


def run_python(sandbox: Sandbox, network: Network | None, text: str) -> object:
    """Run Python text that must end well and prints JSON; give what it printed."""
    found, _ = counted(sandbox, network, text)
    return found


def counted(sandbox: Sandbox, network: Network | None, text: str) -> tuple[object, int | None]:
    """The same, with the bytes that were counted."""
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), 4 * MIB, network=network) as jail:
        jail.box.write("main.py", (ASK + text).encode())
        result = jail.run(Command((PYTHON, "-B", "main.py"), "python"), limits())
    assert (result.exit_code, result.stderr) == (0, b"")
    return json.loads(result.stdout), result.counters.network_bytes


def asking(targets: object, patience_s: float = 20.0) -> str:
    """Python text that asks everywhere at once and prints the answers in order.

    It is patient, for a machine may stall; who is refused hears of it at once.
    """
    return (
        "from concurrent.futures import ThreadPoolExecutor\n"
        f"targets = {targets!r}\n"
        f"def one(target): return ask(*target, {patience_s!r})\n"
        "with ThreadPoolExecutor(16) as pool: print(json.dumps(list(pool.map(one, targets))))"
    )


def link_of(sandbox: Sandbox, slot: Slot) -> AbstractContextManager[Link]:
    """A link without a jail, for what root can do at its end."""
    assert sandbox.fence is not None
    return linked(sandbox.fence, slot, EVERYTHING)


def allow(*addresses: str, ports: tuple[int, ...] = (), protocol: Protocol = Protocol.TCP) -> Allow:
    """One thing that may be reached."""
    return Allow(tuple(map(IPv4Network, addresses)), ports, protocol)


def test_what_is_allowed_is_reached_and_nothing_else(net: Internet, networked: SandboxConfig) -> None:
    granted = Network((allow(PUBLIC, ports=(80, 443)), allow("198.51.100.0/24", ports=(8080,), protocol=Protocol.UDP)))
    reached = [("tcp", PUBLIC, 80), ("tcp", PUBLIC, 443), ("udp", OTHER, 8080)]
    refused = [
        *[("tcp", PUBLIC, 8080), ("udp", PUBLIC, 80), ("tcp", OTHER, 8080), ("udp", OTHER, 80)],
        *[("tcp", "203.0.113.8", 80), ("udp", "198.51.101.1", 8080)],
    ]
    answers = net.on_host(lambda: run_python(Sandbox(networked), granted, asking(reached + refused)))
    assert isinstance(answers, list)
    assert answers[:3] == ["hello"] * 3
    assert set(answers[3:]) <= REFUSED
    assert {(heard.protocol, *heard.there) for heard in net.at_beyond} == set(reached)
    assert {heard.by for heard in net.at_beyond} == {HOST}


def test_without_rules_everything_public_is_reached(net: Internet, networked: SandboxConfig) -> None:
    targets = [(protocol, address, 80) for protocol in ("tcp", "udp") for address in (PUBLIC, OTHER, "1.2.3.4")]
    assert net.on_host(lambda: run_python(Sandbox(networked), EVERYTHING, asking(targets))) == ["hello"] * 6


def test_an_empty_list_allows_nothing(net: Internet, networked: SandboxConfig) -> None:
    answers = net.on_host(lambda: run_python(Sandbox(networked), Network(()), asking([("tcp", PUBLIC, 80)])))
    assert (answers, net.at_beyond) == (["EHOSTUNREACH"], [])


@pytest.mark.parametrize(
    "granted", [EVERYTHING, Network((allow("0.0.0.0/0"), allow("0.0.0.0/0", protocol=Protocol.UDP)))]
)
def test_what_is_denied_stays_so_whatever_was_granted(
    net: Internet, networked: SandboxConfig, granted: Network
) -> None:
    targets = [(protocol, address, port) for protocol in ("tcp", "udp") for address in DENIED for port in (80, 5432)]
    answers = net.on_host(lambda: run_python(Sandbox(networked), granted, asking(targets, 2.0)))
    assert isinstance(answers, list)
    assert "hello" not in answers
    assert (net.at_beyond, net.at_host) == ([], [])


def test_ipv6_leads_nowhere(net: Internet, networked: SandboxConfig) -> None:
    targets = [(protocol, address, 80) for protocol in ("tcp", "udp") for address in IPV6]
    answers = net.on_host(lambda: run_python(Sandbox(networked), EVERYTHING, asking(targets, 2.0)))
    assert isinstance(answers, list)
    assert "hello" not in answers
    assert (net.at_beyond, net.at_host) == ([], [])


def test_ipv4_within_ipv6_sockets_is_filtered_as_ipv4(net: Internet, networked: SandboxConfig) -> None:
    targets = [("tcp", f"::ffff:{PUBLIC}", 80), ("tcp", f"::ffff:{OTHER}", 80)]
    granted = Network((allow(PUBLIC),))
    assert net.on_host(lambda: run_python(Sandbox(networked), granted, asking(targets))) == ["hello", "EHOSTUNREACH"]


def test_no_dns_but_the_configured_resolver(
    net: Internet, networked: SandboxConfig, configs: Mapping[str, SandboxConfig]
) -> None:
    targets = [
        (protocol, address, port) for protocol in ("tcp", "udp") for address in (RESOLVER, PUBLIC) for port in (53, 853)
    ]
    config = offering(configs["cgroup"], resolver=RESOLVER)
    answers = net.on_host(lambda: run_python(Sandbox(config), EVERYTHING, asking(targets)))
    asked = dict(zip(targets, answers, strict=True)) if isinstance(answers, list) else {}
    assert [target for target, answer in asked.items() if answer == "hello"] == [
        ("tcp", RESOLVER, 53),
        ("udp", RESOLVER, 53),
    ]
    assert net.on_host(
        lambda: run_python(Sandbox(config), EVERYTHING, "print(json.dumps(open('/etc/resolv.conf').read()))")
    ) == (f"nameserver {RESOLVER}\noptions timeout:2 attempts:2\n")
    listed = Network((allow("0.0.0.0/0"), allow("0.0.0.0/0", protocol=Protocol.UDP)))
    for other_config, network in ((config, listed), (networked, EVERYTHING)):
        refused = net.on_host(lambda c=other_config, n=network: run_python(Sandbox(c), n, asking(targets)))  # type: ignore[misc] # of this turn
        assert isinstance(refused, list)
        assert "hello" not in refused


def test_names_are_what_the_worker_resolved_them_to(net: Internet, networked: SandboxConfig) -> None:
    """A name that turned to a private address is not even told; nothing is asked again while the program runs."""
    names = {
        "good.example": (IPv4Address(PUBLIC),),
        "rebound.example": (IPv4Address("10.0.0.1"), IPv4Address("169.254.169.254")),
        "both.example": (IPv4Address("127.0.0.1"), IPv4Address(OTHER)),
    }
    granted = Network((Allow(tuple(IPv4Network(a) for found in names.values() for a in found), (80,)),), names)
    text = """
def look(name):
    try: return sorted({found[4][0] for found in socket.getaddrinfo(name, 80, socket.AF_INET)})
    except OSError: return None
names = ["good.example", "rebound.example", "both.example", "unknown.example"]
answers = [ask("tcp", there, 80, 20.0) for there in ("good.example", "10.0.0.1")]
print(json.dumps([[look(name) for name in names], *answers]))
"""
    answers = net.on_host(lambda: run_python(Sandbox(networked), granted, text))
    assert answers == [[[PUBLIC], None, [OTHER], None], "hello", "EHOSTUNREACH"]


def test_nothing_but_tcp_and_udp(net: Internet, networked: SandboxConfig) -> None:
    text = """
def attempt(*arguments):
    try:
        with socket.socket(*arguments) as line:
            line.settimeout(1)
            line.sendto(b"\\x08\\0\\xf7\\xff\\0\\0\\0\\0", ("203.0.113.7", 0))
            return "sent"
    except OSError as error:
        return errno.errorcode[error.errno]
raw, datagrams = socket.SOCK_RAW, socket.SOCK_DGRAM
kinds = [(raw, 1), (raw, 255), (datagrams, 1), (datagrams, 136)]
unusual = [(socket.SOCK_SEQPACKET, 132), (socket.SOCK_STREAM, 132), (socket.SOCK_STREAM, 262), (6, 33)]
kinds += unusual  # a kernel that has SCTP, MPTCP or DCCP as modules would load them
found = [attempt(socket.AF_INET, *kind) for kind in kinds]
print(json.dumps(found + [attempt(family, raw) for family in (16, 17, 40, 44)]))
"""
    answers = net.on_host(lambda: run_python(Sandbox(networked), EVERYTHING, text))
    assert isinstance(answers, list)
    assert set(answers) <= {"ENOSYS", "EPERM", "EACCES"}


def test_the_network_namespace_cannot_be_changed_from_inside(net: Internet, networked: SandboxConfig) -> None:
    """By ioctl, as by netlink (which seccomp denies): the namespace belongs to the host's user namespace."""
    text = """
import fcntl, struct
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def attempt(request, packed):
    try: fcntl.ioctl(line, request, packed); return "done"
    except OSError as error: return errno.errorcode[error.errno]
def option(level, name, value):
    try: line.setsockopt(level, name, value); return "done"
    except OSError as error: return errno.errorcode[error.errno]
def write(path):
    try: open(path, "w").write("1"); return "done"
    except OSError as error: return errno.errorcode[error.errno]
address = struct.pack("=HH4s8x", 2, 0, socket.inet_aton("10.9.9.9"))
named = lambda name, rest: struct.pack("16s", name.encode()) + rest.ljust(24, b"\\0")
route = struct.pack("=Q16s16s16sHhQQhhxxxxQQQHxxxxxx", 0, address, address, address, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0)
print(json.dumps([
    *[attempt(0x8916, named(name, address)) for name in ("eth0", "lo")],
    *[attempt(0x8914, named(name, struct.pack("=H", 0))) for name in ("eth0", "lo")],
    attempt(0x8924, named("eth0", address)), attempt(0x8922, named("eth0", struct.pack("=i", 9000))),
    attempt(0x890B, route), attempt(0x890C, route), attempt(0x8955, address + bytes(100)),
    option(0, 19, 1), option(1, 36, 1), option(6, 19, 1),
    write("/proc/sys/net/ipv4/ip_forward"), write("/proc/sys/net/ipv4/ip_unprivileged_port_start"),
]))
"""
    answers = net.on_host(lambda: run_python(Sandbox(networked), EVERYTHING, text))
    assert isinstance(answers, list)
    # TCP_REPAIR is refused by seccomp (ENOSYS) before it is by anything else.
    assert {"EPERM", "EROFS", "ENOSYS"} <= set(answers) <= {"EPERM", "EROFS", "ENOSYS", "ENOPROTOOPT"}


def test_source_routes_and_other_options_lead_nowhere(net: Internet, networked: SandboxConfig) -> None:
    text = """
def attempt(option):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(0.2)
        try:
            line.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes([option, 7, 4, 10, 0, 0, 1, 0]))
            line.sendto(b"hi", ("203.0.113.7", 80))
            return line.recv(99).decode()
        except OSError:
            return "nothing"
print(json.dumps([attempt(option) for option in (131, 137, 7)]))
"""
    assert net.on_host(lambda: run_python(Sandbox(networked), EVERYTHING, text)) == ["nothing"] * 3
    assert net.at_beyond == []


def test_compiled_programs_have_sockets_only_with_a_network(
    net: Internet, networked: SandboxConfig, programs: Mapping[str, Path]
) -> None:
    def go(network: Network | None) -> str:
        sandbox = Sandbox(networked)
        with sandbox.slot() as slot, sandbox.jail(slot, limits(), 4 * MIB, network=network) as jail:
            jail.box.write("connect", programs["connect"].read_bytes(), 0o755)
            return jail.run(Command(("./connect", PUBLIC, "80"), "strict"), limits()).stdout.decode()

    assert net.on_host(lambda: go(None)) == "socket: Function not implemented\n"
    assert net.on_host(lambda: go(EVERYTHING)) == "hello\n"


def test_bytes_are_counted_at_the_link(net: Internet, networked: SandboxConfig) -> None:
    sandbox = Sandbox(networked)
    text = "print(json.dumps(ask('udp', '203.0.113.7', 80)))"
    quiet = net.on_host(lambda: counted(sandbox, EVERYTHING, "print(json.dumps(0))"))[1]
    some = net.on_host(lambda: counted(sandbox, EVERYTHING, text))[1]
    assert quiet is not None
    assert some is not None
    assert some > quiet >= 0
    assert net.on_host(lambda: counted(sandbox, None, "print(json.dumps(0))"))[1] == 0


def test_without_a_grant_there_is_no_network(net: Internet, networked: SandboxConfig) -> None:
    targets = [
        (protocol, address, 80)
        for protocol in ("tcp", "udp")
        for address in (PUBLIC, HOST, GATEWAY, "127.0.0.1", "::1")
    ]
    answers = net.on_host(lambda: run_python(Sandbox(networked), None, asking(targets)))
    assert isinstance(answers, list)
    assert set(answers) <= REFUSED
    assert (net.at_beyond, net.at_host) == ([], [])


SERVE = """
import threading, time
def serve(line):
    while True:
        line.accept()[0].sendall(b"hello ")
named = socket.socket(socket.AF_UNIX)
named.bind("\\0shipd-test")
named.listen()
for line in (socket.create_server(("0.0.0.0", 8080)), socket.create_server(("127.0.0.1", 8081)), named):
    threading.Thread(target=serve, args=(line,), daemon=True).start()
while ask("udp", "203.0.113.7", 8080, 30.0) == "hello":
    time.sleep(0.05)  # each is a connection, of which it may have so many
print(json.dumps("served"), flush=True)
os._exit(0)
"""
SERVING = Heard("udp", (PUBLIC, 8080), HOST)


@contextmanager
def serving(net: Internet, sandbox: Sandbox) -> Iterator[IPv4Address]:
    """A jail that serves at all its addresses until the block is left; gives the one on its link."""
    net.word = b"hello"
    with ThreadPoolExecutor(1) as pool:
        served = pool.submit(net.on_host, lambda: run_python(sandbox, EVERYTHING, SERVE))
        net.wait_for(SERVING)
        own = [address for address in net.on_host(host.own_addresses) if address in DEFAULT_BLOCK]
        assert len(own) == 1
        yield own[0] + 1
        net.word = b"stop"
        assert served.result() == "served"


def test_jails_side_by_side_do_not_reach_each_other(net: Internet, networked: SandboxConfig) -> None:
    """Not its address, not its loopback, not its abstract sockets."""
    named = """
def named():
    with socket.socket(socket.AF_UNIX) as line:
        try: line.connect("\\0shipd-test"); return "hello"
        except OSError as error: return errno.errorcode[error.errno]
"""
    sandbox = Sandbox(networked)
    with serving(net, sandbox) as there:
        near = [str(there + step) for step in range(-5, 5)]
        targets = [
            (protocol, address, port) for protocol in ("tcp", "udp") for address in near for port in (8080, 8081)
        ]
        targets += [("tcp", "127.0.0.1", 8080), ("tcp", "127.0.0.1", 8081)]
        text = named + asking(targets).replace("print(json.dumps(list(", "print(json.dumps([named()] + list(")
        answers = net.on_host(lambda: run_python(sandbox, EVERYTHING, text))
    assert isinstance(answers, list)
    assert set(answers) <= REFUSED


def test_nothing_comes_in_unasked(net: Internet, networked: SandboxConfig) -> None:
    """Neither the host nor anybody beyond it, who knows the way, reaches a server in a jail."""
    with serving(net, Sandbox(networked)) as address:
        for there in (net.host, net.beyond):
            assert namespace.inside(there, lambda: ask("tcp", str(address), 8080, 0.2)) == "timeout"


def test_the_inner_fence_holds_alone(net: Internet, networked: SandboxConfig) -> None:
    def attempt() -> list[str]:
        sandbox = Sandbox(networked)
        with sandbox.slot() as slot, link_of(sandbox, slot) as link:
            tools.nft(f"delete table inet {host.table(networked.instance)}\n")
            patience_s = {PUBLIC: 20.0}
            return namespace.inside(
                link.namespace,
                lambda: [ask("udp", there, 80, patience_s.get(there, 0.1)) for there in (PUBLIC, *DENIED)],
            )

    answers = net.on_host(attempt)
    assert answers[0] == "hello"
    assert "hello" not in answers[1:]
    assert [heard.there for heard in net.at_beyond] == [(PUBLIC, 80)]


def test_the_outer_fence_holds_alone(net: Internet, networked: SandboxConfig) -> None:
    """Against root within the run's namespace, without the inner fence, with addresses that are not its own."""

    def as_root() -> list[str]:
        tools.nft("flush ruleset\n")
        (namespace.SETTINGS / "ipv6/conf/eth0/disable_ipv6").write_text("0")
        forged = ["203.0.113.99", HOST, "2001:db8::99"]
        tools.ip(
            *(f"addr add {address} dev eth0" for address in forged),
            "route add default dev eth0 metric 9 via inet6 fe80::1",
        )
        found = [ask("udp", address, port, 0.05) for address in (*DENIED, *IPV6[1:]) for port in (80, 53)]
        return found + [ask("udp", PUBLIC, 80, 0.1, source) for source in forged[:2]] + [ask("udp", PUBLIC, 80, 20.0)]

    def attempt() -> list[str]:
        sandbox = Sandbox(networked)
        with sandbox.slot() as slot, link_of(sandbox, slot) as link:
            return namespace.inside(link.namespace, as_root)

    *answers, last = net.on_host(attempt)
    assert "hello" not in answers
    assert last == "hello"
    assert net.at_beyond == [Heard("udp", (PUBLIC, 80), HOST)]
    assert net.at_host == []


def test_a_host_that_was_no_router_becomes_none(net: Internet, networked: SandboxConfig) -> None:
    """Forwarding is for jails: whoever uses the host as a way to somewhere else finds none."""
    assert net.on_host(_forwarding) == ("0", "0")
    answers = net.on_host(lambda: run_python(Sandbox(networked), EVERYTHING, asking([("tcp", PUBLIC, 80)])))
    assert answers == ["hello"]
    assert net.on_host(_forwarding) == ("0", "1")
    namespace.inside(net.beyond, lambda: tools.ip(f"route add 10.88.0.0/16 via {HOST}"))

    def passed_on() -> bool:
        """Whether what somebody beyond sends through the host comes back from it."""
        with namespace.inside(net.beyond, _listener) as line:
            namespace.inside(net.beyond, lambda: ask("udp", "10.88.0.1", 80, 0.1))
            return any(
                _is_to("10.88.0.1", *line.recvfrom(2048))
                for _ in iter(lambda: select.select([line], [], [], 0.2)[0], [])
            )

    assert not passed_on()
    net.on_host(lambda: tools.nft("flush ruleset\n"))
    assert passed_on(), "without the fence it would"


def _forwarding() -> tuple[str, str]:
    everywhere, uplink = "ipv4/ip_forward", "ipv4/conf/up0/forwarding"
    return (namespace.SETTINGS / everywhere).read_text().strip(), (namespace.SETTINGS / uplink).read_text().strip()


def _listener() -> socket.socket:
    line = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    line.bind(("down0", ETH_P_IP))
    return line


def _is_to(address: str, packet: bytes, where: tuple[str, int, int]) -> bool:
    return where[2] != PACKET_OUTGOING and packet[16:20] == socket.inet_aton(address)


def test_two_instances_on_a_host_do_not_mind_each_other(
    net: Internet, networked: SandboxConfig, configs: Mapping[str, SandboxConfig]
) -> None:
    other = replace(configs["sampled"], network=networked.network)
    for config in (networked, other, networked):
        answers = net.on_host(lambda c=config: run_python(Sandbox(c), EVERYTHING, asking([("tcp", PUBLIC, 80)])))  # type: ignore[misc] # of this turn
        assert answers == ["hello"]


def test_many_at_once(net: Internet, configs: Mapping[str, SandboxConfig]) -> None:
    many = 20
    config = offering(configs["cgroup"], slots=many)
    text = asking([("tcp", PUBLIC, 80), ("udp", OTHER, 80), ("tcp", "10.0.0.1", 80)])

    def all_of_them() -> list[object]:
        sandbox = Sandbox(config)
        with ThreadPoolExecutor(many) as pool:
            return list(pool.map(lambda _: run_python(sandbox, EVERYTHING, text), range(many)))

    assert net.on_host(all_of_them) == [["hello", "hello", "EHOSTUNREACH"]] * many


def test_after_a_killed_keeper_the_next_holder_of_the_slot_finds_nothing(
    net: Internet, configs: Mapping[str, SandboxConfig], tmp_path: Path
) -> None:
    config = offering(configs["cgroup"], slots=1)
    argv = [sys.executable, "-m", "tests.jail.keeper_to_kill", str(net.host), config.instance, str(config.state_dir)]
    with subprocess.Popen(argv, pass_fds=[net.host], cwd=TREE) as keeper:
        net.wait_for(SERVING)
        assert net.traces()["links"] != []
        keeper.kill()
    assert net.on_host(lambda: run_python(Sandbox(config), EVERYTHING, asking([("tcp", PUBLIC, 80)]))) == ["hello"]


def test_a_link_that_was_left_behind_is_replaced(net: Internet, configs: Mapping[str, SandboxConfig]) -> None:
    config = offering(configs["cgroup"], slots=1)
    net.on_host(lambda: tools.ip(f"link add {host.prefix(config.instance)}0 type veth peer name shipd-left"))
    assert net.on_host(lambda: run_python(Sandbox(config), EVERYTHING, asking([("tcp", PUBLIC, 80)]))) == ["hello"]


def test_a_fence_that_somebody_removed_stands_again(net: Internet, networked: SandboxConfig) -> None:
    sandbox = Sandbox(networked)
    for _ in range(2):
        answers = net.on_host(lambda: run_python(sandbox, EVERYTHING, asking([("tcp", PUBLIC, 80)])))
        assert answers == ["hello"]
        assert net.on_host(lambda: tools.listed(host.table(networked.instance))) is not None
        net.on_host(lambda: tools.nft("flush ruleset\n"))


def test_an_address_that_is_taken_is_refused(net: Internet, networked: SandboxConfig) -> None:
    offered = NetworkConfig(block=IPv4Network("198.18.1.0/24"))

    def attempt() -> None:
        tools.ip(*(f"addr add {offered.pair(number)[0]}/32 dev lo" for number in range(128)))
        run_python(Sandbox(replace(networked, network=offered)), EVERYTHING, "print(0)")

    with pytest.raises(SandboxError, match="SHIPD_NETWORK_BLOCK"):
        net.on_host(attempt)
    net.on_host(lambda: tools.ip(*(f"addr del {offered.pair(number)[0]}/32 dev lo" for number in range(128))))


def test_a_host_that_offers_none_refuses_the_jail(sandboxes: Mapping[str, Sandbox]) -> None:
    sandbox = sandboxes["cgroup"]
    with pytest.raises(SandboxError, match="offers no network"):
        run_python(sandbox, EVERYTHING, "print(0)")


def test_the_trial_leaves_the_host_alone(net: Internet, networked: SandboxConfig) -> None:
    assert networked.network is not None
    offered = networked.network
    net.on_host(lambda: trial.attempt(offered))
    assert net.on_host(lambda: tools.listed("shipd_trial")) is None
