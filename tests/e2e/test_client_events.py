"""Our client follows the real platform's live events, blocking and awaited."""

import anyio

from client import AsyncClient, Client, SubmissionRequest, code
from standalone.stack import Stack

REQUEST: SubmissionRequest = {
    "language": "python",
    "source": code("import time; time.sleep(0.3); print(1)"),
    "test_cases": [{"expected_output": "1"}],
}


def test_events_come_up_to_the_end(stack: Stack) -> None:
    with Client(stack.url, stack.api_key) as shipd:
        sent = shipd.submit(REQUEST)
        events = list(shipd.events(sent["id"]))
        assert events[0].event == "state"
        assert (events[-1].event, events[-1].data["verdict"]) == ("done", "AC")
        assert [event.event for event in shipd.events(sent["id"])] == ["state", "done"]
        assert list(shipd.events(sent["id"], after=events[-1].id)) == []


def test_they_are_awaited(stack: Stack) -> None:
    async def ask() -> list[str]:
        async with AsyncClient(stack.url, stack.api_key) as shipd:
            sent = await shipd.submit(REQUEST)
            return [event.event async for event in shipd.events(sent["id"])]

    assert anyio.run(ask)[-1] == "done"
