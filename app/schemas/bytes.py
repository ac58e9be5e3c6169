"""Bytes on their way out: text where they are UTF-8, base64 where not."""

import base64
import codecs

from domain import interaction, outputs
from domain.views import Shown


def bytes_json(value: Shown) -> str | dict[str, str]:
    """Give the JSON of what is shown of a value.

    A string if the whole is valid UTF-8, even where only its beginning is shown: that then ends between two
    characters. Otherwise `{"base64": ...}` of the beginning.
    """
    if not value.is_text:
        return {"base64": base64.b64encode(value.head).decode("ascii")}
    # The decoder holds a character back that the cut has split. Bytes that are no text after all, on a disk that
    # changed them, are shown as such.
    return codecs.getincrementaldecoder("utf-8")("replace").decode(value.head)


def interaction_json(value: Shown | None) -> tuple[dict[str, object], bool]:
    """Give the JSON of what a program and its interactor said, in order, as a field; and whether there was more.

    There is no such field where there was no interactor.
    """
    if value is None:
        return {}, False
    said, more = interaction.decode(value.head)
    pieces = [{"from": one.speaker.value, "data": _whole_json(one.data)} for one in said]
    return {"interaction": pieces}, more or value.truncated


def _whole_json(data: bytes) -> str | dict[str, str]:
    return bytes_json(Shown(data, len(data), outputs.is_utf8(data)))
