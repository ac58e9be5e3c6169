"""A filtered network for one run, where the run is granted one; every other jail has a loopback of its own and no more.

The keeper makes a network namespace and a veth pair, puts the one end into it, and starts nsjail there. Two fences,
each of which would do alone for everything that is always denied:

    inner   nftables inside the run's namespace: what is always denied, then what this run may reach, and nothing else.
            The namespace belongs to the host's user namespace, so no program inside has a capability over it.
    outer   nftables on the host, one table an instance: what is always denied, other jails, forged addresses; and NAT.

IPv4 only. The namespace, its veth and the inner fence end with the last process in it, however the keeper ends.

    model       what a run may reach (Network, Allow), and what a host offers (NetworkConfig)
    ranges      what is denied whatever a run was granted
    fence       both rulesets as text (pure)
    names       /etc/hosts and /etc/resolv.conf of a run (pure)
    namespace   make a network namespace, do something inside one
    host        the host's side: forwarding, the outer fence, its own addresses
    conntrack   forget the connections of a run
    link        one run's link, made and removed
    trial       whether this host can offer any of it
"""

from sandbox.network.link import Link
from sandbox.network.model import Allow, Network, NetworkConfig, Protocol

__all__ = ["Allow", "Link", "Network", "NetworkConfig", "Protocol"]
