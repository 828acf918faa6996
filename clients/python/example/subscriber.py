"""A function that SQS invokes: it answers each text, and reports the messages that failed."""

from typing import Protocol, TypedDict

from wab_events import Dlr, Mo, OrderMessage, TextMessage, Unreadable, parse


class Record(TypedDict):
    messageId: str
    body: str


class Batch(TypedDict):
    Records: list[Record]


class Failure(TypedDict):
    itemIdentifier: str


class Shop(Protocol):
    def seen(self, event_id: str) -> bool:
        """Whether this event was handled before."""

    def reply(self, to: str, text: str) -> None: ...

    def order(self, to: str, products: list[str]) -> None: ...

    def delivered(self, message_id: str) -> None: ...


def handle(batch: Batch, shop: Shop) -> dict[str, list[Failure]]:
    failures: list[Failure] = []
    for record in batch["Records"]:
        try:
            receive(record["body"], shop)
        except Exception:
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def receive(body: str, shop: Shop) -> None:
    delivery = parse(body)
    if isinstance(delivery, Unreadable):
        raise ValueError(delivery.reason)  # to the dead-letter queue
    if shop.seen(delivery.event.id):
        return
    match delivery:
        case Mo(message=TextMessage() as message):
            shop.reply(delivery.data.source or "", f"You wrote: {message.text.body}")
        case Mo(message=OrderMessage() as message):
            products = [str(item.product_retailer_id) for item in message.order.product_items]
            shop.order(delivery.data.source or "", products)
        case Dlr(data=data) if data.delivery and data.delivery.current == "received":
            shop.delivered(data.id)
        case _:
            pass  # not handled here: another type, too large, binary, malformed, or newer than this package
