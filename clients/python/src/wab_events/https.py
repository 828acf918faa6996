"""What SNS posts to an HTTPS endpoint, and the proof that it comes from SNS. Needs the extra `https`.

Anyone can post to a public URL. `Endpoint.take` refuses what isn't signed by SNS for one of the endpoint's topics.
Sources: SNS developer guide, "Verifying the signatures of Amazon SNS messages" and "Parsing Amazon SNS message
formats".
"""

import base64
import binascii
import json
import re
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from . import Delivery, parse

# How far the clocks of SNS and of this machine may be apart.
_CLOCK_SKEW = timedelta(minutes=5)
_FETCH_SECONDS = 5

# The fields that are signed, in this order. Those that are absent are left out.
_NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
_CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
_SIGNED = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_REQUIRED = {"TopicArn", "Message", "Timestamp", "Signature", "SigningCertURL"}


class Rejected(Exception):
    """Why a post isn't taken: answer 4xx. Contains nothing of the post, so it may be logged."""


@dataclass(frozen=True)
class Posted:
    """An event. A repeated post has the same event id."""

    delivery: Delivery


@dataclass(frozen=True)
class Confirm:
    """The endpoint was subscribed. Request this URL, which is one of SNS, to confirm it. It holds a secret."""

    subscribe_url: str


@dataclass(frozen=True)
class Unsubscribed:
    """The subscription was deleted. There is nothing to do."""


Post = Posted | Confirm | Unsubscribed


@lru_cache(maxsize=4)
def fetch_certificate(url: str) -> str:
    """Fetches a certificate, and keeps it. SNS changes its certificate rarely, and one URL always has the same."""
    with urllib.request.urlopen(url, timeout=_FETCH_SECONDS) as answer:  # noqa: S310  `Endpoint` checks the URL
        text: str = answer.read().decode()
    return text


class Endpoint:
    """An HTTPS endpoint that is subscribed to topics of wab."""

    def __init__(
        self,
        topic_arns: Iterable[str],
        *,
        window: timedelta = timedelta(hours=1),
        certificate: Callable[[str], str] = fetch_certificate,
    ) -> None:
        """Takes posts of these topics: the stack's outputs `MoTopicArn` and `DlrTopicArn`.

        `window` is how old a post may be: an hour, as long as SNS retries at most. A stolen one can be posted again for
        as long. `certificate` gets a certificate in PEM.
        """
        self._topics = frozenset(topic_arns)
        self._window = window
        self._certificate = certificate

    def take(self, body: str, now: datetime | None = None) -> Post:
        """Takes the body of a post.

        Raises `Rejected` if it isn't SNS's, and whatever `certificate` raises.
        """
        message = _strings(body)
        if message.get("Type") not in _SIGNED or not message.keys() >= _REQUIRED:
            raise Rejected("the body is not a message of SNS")
        if message["TopicArn"] not in self._topics:
            raise Rejected("the message is of another topic")
        if message.get("SignatureVersion") != "2":  # version 1 is SHA-1; wab's topics sign with version 2
            raise Rejected("the signature's version is not 2")
        sns = _address_of_sns(message["TopicArn"])
        certificate_url = message["SigningCertURL"]
        is_certificate = re.fullmatch(re.escape(sns) + r"SimpleNotificationService-[0-9A-Za-z]*\.pem", certificate_url)
        if not is_certificate or not message.get("SubscribeURL", sns).startswith(sns):
            raise Rejected("a URL of the message is not one of SNS in the topic's region")
        age = (now or datetime.now(timezone.utc)) - _time(message["Timestamp"])
        if not -_CLOCK_SKEW <= age <= self._window:
            raise Rejected("the message's time is outside the window")
        _verify(message, self._certificate(certificate_url))
        match message["Type"]:
            case "Notification":
                return Posted(parse(message["Message"]))
            case "UnsubscribeConfirmation":
                return Unsubscribed()
        if "SubscribeURL" not in message:
            raise Rejected("the body is not a message of SNS")
        return Confirm(message["SubscribeURL"])


def _strings(body: str) -> dict[str, str]:
    """The members that are strings. Others, like the attributes, aren't signed."""
    try:
        message: object = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise Rejected("the body is not a message of SNS")
    return {key: value for key, value in message.items() if isinstance(value, str)}


def _address_of_sns(topic_arn: str) -> str:
    """The address of SNS in the topic's region: a certificate of elsewhere could be anyone's."""
    _, partition, _, region, *_ = f"{topic_arn}::::".split(":")  # arn:aws:sns:us-east-1:123456789012:name
    return f"https://sns.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}/"


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise Rejected("the message's time is outside the window") from None


def _verify(message: dict[str, str], certificate: str) -> None:
    try:
        key = load_pem_x509_certificate(certificate.encode()).public_key()
    except ValueError:
        raise Rejected("the certificate is not readable") from None
    signed = (name for name in _SIGNED[message["Type"]] if name in message)
    text = "".join(f"{name}\n{message[name]}\n" for name in signed)
    try:
        if not isinstance(key, RSAPublicKey):
            raise Rejected("the signature is wrong")
        # A lone surrogate can't be signed text.
        key.verify(base64.b64decode(message["Signature"], validate=True), text.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, UnicodeEncodeError):
        raise Rejected("the signature is wrong") from None
