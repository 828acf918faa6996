"""The signatures of SNS on what it posts, and the certificate that they are checked with.

"Verifying the signatures of Amazon SNS messages" (SNS Developer Guide): the topic's attribute SignatureVersion is 1 for
SHA-1 or 2 for SHA-256; the certificate is at a URL of SNS in the topic's region. ministack signs with the word FAKE,
and drops the attribute of a template's topic.

Nothing here can answer at SNS's address, so the emulator serves each URL's path and query itself: a client fetches the
certificate, and confirms a subscription, at AWS_ENDPOINT_URL instead of https://sns.REGION.amazonaws.com.
"""

import base64
import datetime
import hashlib
import json
from functools import cache
from typing import Any
from urllib.parse import urlencode

import hypercorn.asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from ministack.core.arn import parse_arn
from ministack.services import sns
from ministack.services.cloudformation import provisioners

SIGNED = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]


def install() -> None:
    topic = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
    topic["create"] = with_version(topic["create"], of=1)
    topic["update"] = with_version(topic["update"], of=2)
    sns._build_envelope = with_signature(sns._build_envelope)
    serve = hypercorn.asyncio.serve
    hypercorn.asyncio.serve = lambda application, config: serve(with_certificate(application), config)


def with_version(original: Any, of: int) -> Any:
    """Keeps the property SignatureVersion, which is in the handler's argument number `of`."""

    def handle(*arguments: Any, **more: Any) -> Any:
        topic_arn, attributes = original(*arguments, **more)
        version = str(arguments[of].get("SignatureVersion") or "1")
        sns._topics[topic_arn]["attributes"]["SignatureVersion"] = version
        return topic_arn, attributes

    return handle


@cache
def key() -> rsa.RSAPrivateKey:
    """The key of this emulator, which ends with it."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key().public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=365))
    return builder.sign(key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@cache
def certificate_path() -> str:
    return f"/SimpleNotificationService-{hashlib.sha256(certificate()).hexdigest()[:32]}.pem"


def with_certificate(application: Any) -> Any:
    async def serve(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != certificate_path():
            await application(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": certificate()})

    return serve


def with_signature(original: Any) -> Any:
    def build(topic_arn: str, *arguments: Any) -> str:
        envelope = original(topic_arn, *arguments)
        raw = arguments[-1]
        return envelope if raw else json.dumps(signed(json.loads(envelope)))

    return build


def confirmation(topic_arn: str, token: str) -> dict[str, str]:
    """What asks an endpoint to confirm its subscription."""
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic_arn, "Token": token}, safe=":")
    return signed(
        {
            "Type": "SubscriptionConfirmation",
            "MessageId": sns.new_uuid(),
            "Token": token,
            "TopicArn": topic_arn,
            "Message": f"You have chosen to subscribe to the topic {topic_arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message.",
            "SubscribeURL": f"{address(topic_arn)}/?{query}",
        }
    )


def signed(message: dict[str, Any]) -> dict[str, Any]:
    topic = sns._topic_by_arn_any_scope(message["TopicArn"])
    version = topic["attributes"].get("SignatureVersion", "1")
    now = datetime.datetime.now(datetime.timezone.utc)
    message["Timestamp"] = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = "".join(f"{field}\n{message[field]}\n" for field in SIGNED if field in message)
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = key().sign(text.encode(), padding.PKCS1v15(), digest)
    return message | {
        "SignatureVersion": version,
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": address(message["TopicArn"]) + certificate_path(),
    }


def address(topic_arn: str) -> str:
    return f"https://sns.{parse_arn(topic_arn).region}.amazonaws.com"
