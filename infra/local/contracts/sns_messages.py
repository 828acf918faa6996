"""Signs the messages of shared/events/golden/sns as SNS does, with a key that is made for it and thrown away.

Run it with the Python of the tool set `contracts`. The tests of wab-events and of clients/ read the messages.
"""

import base64
import datetime
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "shared" / "events" / "golden"
CONTRACTS = ROOT / "infra" / "contracts"
TOPIC = "arn:aws:sns:us-east-1:123456789012:wab-MoTopic"
HOST = "https://sns.us-east-1.amazonaws.com"
TIME = "2026-11-23T09:15:02.500Z"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start.replace(year=2126))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def signed(key: rsa.RSAPrivateKey, message: dict[str, str]) -> dict[str, str]:
    # "Verifying the signatures of Amazon SNS messages" in the SNS developer guide: these fields, in this order.
    fields = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{field}\n{message[field]}\n" for field in fields if field in message)
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return message | {
        "SignatureVersion": "2",
        "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem",
    }


def main() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    directory = GOLDEN / "sns"
    directory.mkdir(exist_ok=True)
    (directory / "certificate.pem").write_bytes(certificate(key))
    (directory / "other-certificate.pem").write_bytes(certificate(rsa.generate_private_key(65537, 2048)))
    head = {"MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC, "Timestamp": TIME}
    event = (CONTRACTS / "examples" / "mo-event.json").read_text()
    event = json.dumps(json.loads(event), ensure_ascii=False, separators=(",", ":"))
    attributes = {"kind": {"Type": "String", "Value": "mo"}, "type": {"Type": "String", "Value": "text"}}
    unsubscribe = {"UnsubscribeURL": f"{HOST}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:0f3a9c1d"}
    confirm = head | {"Token": "2336412f37", "SubscribeURL": CONFIRM}
    messages = {
        "notification": signed(key, head | {"Type": "Notification", "Message": event})
        | unsubscribe
        | {"MessageAttributes": attributes},
        "subscription-confirmation": signed(
            key, confirm | {"Type": "SubscriptionConfirmation", "Message": f"You have chosen to subscribe to {TOPIC}."}
        ),
        "unsubscribe-confirmation": signed(
            key, confirm | {"Type": "UnsubscribeConfirmation", "Message": f"You have left {TOPIC}."}
        ),
    }
    for name, message in messages.items():
        (directory / f"{name}.json").write_text(json.dumps(message, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
