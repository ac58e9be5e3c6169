"""What Prometheus is told: by a worker whose jails stand ready, and by the process that sweeps."""

import requests
from prometheus_client.parser import text_string_to_metric_families

from standalone.stack import Stack
from tests.waiting import eventually


def _samples(stack: Stack) -> dict[tuple[str, str], float]:
    text = requests.get(f"http://127.0.0.1:{stack.ports['metrics']}/metrics", timeout=10).text
    found: dict[tuple[str, str], float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            label = labels.get("state") or labels.get("outcome") or labels.get("language", "")
            found[sample.name, label] = found.get((sample.name, label), 0.0) + sample.value
    return found


def test_a_worker_tells_how_jails_were_come_by(stack: Stack) -> None:
    before = _samples(stack)
    body = {"language": "python", "source": {"type": "code", "content": "print(1)"}}
    for _ in range(4):
        assert stack.client.post("/v1/submissions?wait=60", body).status == 201

    def grown(name: str, label: str = "") -> float:
        return _samples(stack).get((name, label), 0.0) - before.get((name, label), 0.0)

    assert grown("jail_acquisition_duration_seconds_count", "python") >= 4
    eventually(lambda: grown("jail_pool_requests_total", "hit") + grown("jail_pool_requests_total", "miss") >= 4)
    eventually(lambda: _samples(stack)["jail_pool_size", "ready"] >= 1)
    eventually(lambda: grown("jail_pool_made_total") >= 1)


def test_the_sweeper_tells_how_many_hosts_are_wanted(stack: Stack) -> None:
    def told() -> dict[tuple[str, str], float]:
        text = requests.get(f"http://127.0.0.1:{stack.ports['fleet_metrics']}/metrics", timeout=10).text
        samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
        return {(one.name, one.labels.get("class", "")): one.value for one in samples}

    eventually(lambda: ("shipd_hosts_wanted", "") in told())
    found = told()

    assert found["shipd_hosts_wanted", ""] >= 1
    assert found["shipd_slots_wanted", ""] >= 1
    assert {("shipd_queue_age_seconds", name) for name in ("interactive", "normal", "bulk")} <= set(found)
