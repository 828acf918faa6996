"""The events that wab publishes to Amazon SNS, as subscribers read them.

`parse` reads a delivery. It never raises: what this version doesn't know is a class of its own. Unknown keys are kept,
and `dump` writes back what was read.
"""

import json
from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ValidationError

from .models import *  # noqa: F403  every type of the contract
from .models import (
    DlrData,
    DlrEvent,
    EditMessage,
    Head,
    Interactive,
    InteractiveMessage,
    KnownMessage,
    Message,
    MessageWithoutPayload,
    MoData,
    MoEvent,
    OtherMessage,
    StatusUpdateMessage,
    UntypedMessage,
    VoiceMessage,
)


@dataclass(frozen=True)
class Mo:
    """A message from a WhatsApp user."""

    event: MoEvent
    data: MoData
    message: Message | None
    """WhatsApp's message. None if `data.content` is binary or malformed; it is there as it was received."""


@dataclass(frozen=True)
class Dlr:
    """A delivery receipt."""

    event: DlrEvent
    data: DlrData


@dataclass(frozen=True)
class Elsewhere:
    """An event whose callback is stored at `dataref`: it was too large for SNS."""

    event: MoEvent | DlrEvent
    dataref: str


@dataclass(frozen=True)
class Unreadable:
    """Not an event, or one of a contract that this version doesn't know."""

    reason: Literal["not JSON", "not an event", "unknown contract"]


Delivery = Mo | Dlr | Elsewhere | Unreadable


def parse(delivery: str) -> Delivery:
    """Reads a delivery: the body of an SQS message, with or without raw message delivery, or what SNS passes on."""
    try:
        event: object = json.loads(delivery)
        if isinstance(event, dict) and event.get("Type") == "Notification" and isinstance(event.get("Message"), str):
            event = json.loads(event["Message"])  # SNS's envelope
    except (ValueError, RecursionError):
        return Unreadable("not JSON")
    event_type = event.get("type") if isinstance(event, dict) else None
    if event_type not in (None, "wab.mo.v1", "wab.dlr.v1"):
        return Unreadable("unknown contract")
    try:
        if event_type == "wab.mo.v1":
            mo = MoEvent.model_validate(event, strict=True)
            if mo.data is not None:
                return Mo(mo, mo.data, parse_message(mo.data.content))
            if mo.dataref is not None:
                return Elsewhere(mo, mo.dataref)
        elif event_type == "wab.dlr.v1":
            dlr = DlrEvent.model_validate(event, strict=True)
            if dlr.data is not None:
                return Dlr(dlr, dlr.data)
            if dlr.dataref is not None:
                return Elsewhere(dlr, dlr.dataref)
    except ValidationError:
        pass
    return Unreadable("not an event")


def parse_message(content: object) -> Message | None:
    """Reads a message. None if it is malformed: its type is known, and it doesn't have the shape of that type."""
    if not isinstance(content, dict):
        return None
    try:
        return _read_message(content)
    except (ValidationError, RecursionError):
        return None


def dump(model: BaseModel) -> dict[str, object]:
    """What a model was read from."""
    return model.model_dump(by_alias=True, exclude_unset=True)


_KNOWN: dict[object, type[KnownMessage]] = {
    get_args(known.model_fields["type"].annotation)[0]: known for known in get_args(get_args(KnownMessage.__value__)[0])
}
_NEEDS_PAYLOAD = get_args(MessageWithoutPayload.model_fields["type"].annotation)
_REVEALING = UntypedMessage.model_fields.keys() - Head.model_fields.keys() - {"type"}


def _read_message(content: dict[str, object]) -> Message | None:
    stated = content.get("type")
    if isinstance(stated, str) and (known := _KNOWN.get(stated)):
        payloads = [content.get(key) for key in ([stated, "audio"] if stated == "voice" else [stated])]
        has_payload = any(payload is not None for payload in payloads)
        if content.get("errors") and not has_payload and stated in _NEEDS_PAYLOAD:
            return MessageWithoutPayload.model_validate(content, strict=True)
        return _complete(known.model_validate(content, strict=True), content)
    if stated in (None, ""):
        revealing = [key for key in _REVEALING if key in content]
        if len(revealing) == 1:
            untyped = UntypedMessage.model_validate(content, strict=True)
            is_complete = getattr(untyped, revealing[0]) is not None or revealing[0] == "interactive" or untyped.errors
            return untyped if is_complete else None
    if isinstance(content.get("status"), str):
        return StatusUpdateMessage.model_validate(content, strict=True)
    return OtherMessage.model_validate(content, strict=True)


def _complete(message: KnownMessage, content: dict[str, object]) -> KnownMessage | None:
    """The message, unless it lacks what the classes can't demand."""
    match message:
        case VoiceMessage(voice=None, audio=None):
            return None
        case InteractiveMessage(interactive=Interactive(type=str(reply)) as interactive):
            is_known = reply in Interactive.model_fields and reply != "type"
            return None if is_known and getattr(interactive, reply) is None else message
        case EditMessage():
            edit = content["edit"]
            inner = parse_message(edit["message"]) if isinstance(edit, dict) else None
            if inner is None:
                return None
            message.edit.message = inner
    return message
