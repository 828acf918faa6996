"""The page docs/reference.md: each event and message type with its fields, an example and its filter policy.

generate.py writes the page, from infra/contracts and the golden messages. Two environments check it: validate.py its
examples, ../reference_test.py its filter policies. This file therefore imports nothing but Python's library.
"""

import json
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "infra" / "contracts"
EVENTS = ROOT / "shared" / "events"
NOTE = "Generated from infra/contracts by infra/local/contracts/reference.py. Don't edit."
WIDTH = 100

Json = dict[str, Any]

# Fields that divide a message type into kinds. None of them is an attribute.
KINDS = ("interactive.type", "interactive.action", "system.type", "edit.message.type", "unsupported.type")


@dataclass(frozen=True)
class Policy:
    """Selects the examples whose path begins with its own."""

    path: tuple[str, ...]
    policy: Json
    scope: str


@dataclass(frozen=True)
class Example:
    path: tuple[str, ...]
    event: Json
    attributes: dict[str, str]
    definition: str | None = None  # of the event's content, in message.schema.json


@cache
def read(name: str) -> Json:
    return json.loads((CONTRACTS / name).read_text())


def definitions() -> Json:
    return read("message.schema.json")["$defs"]


def asyncapi(kind: str) -> Json:
    return read("asyncapi.json")["components"]["messages"][kind]


def sample(kind: str) -> tuple[Json, dict[str, str]]:
    """The example of an event, and its attributes."""
    example = asyncapi(kind)["examples"][0]
    return example["payload"], example["headers"]


@cache
def golden() -> list[tuple[str, Json]]:
    """Each golden message, next to the summary of how the model reads it, with the name of its file."""
    files = sorted((EVENTS / "golden" / "messages").glob("*.jsonl"))
    return [(file.stem, json.loads(line)) for file in files for line in file.read_text().splitlines()]


@cache
def known_types() -> dict[str, str]:
    """The definition of each message type, in alphabetical order of the types."""
    names = [one["$ref"].rsplit("/", 1)[1] for one in definitions()["KnownMessage"]["oneOf"]]
    return dict(sorted((definitions()[name]["allOf"][1]["properties"]["type"]["const"], name) for name in names))


@cache
def meanings() -> dict[str, str]:
    """What each message type is. The contract doesn't say it, so it is taken from the table in payload.rs."""
    source = (EVENTS / "src" / "message" / "payload.rs").read_text()
    rows = re.findall(r'/// (.+?\.)(?: .*)?\n\s+\w+(?:\(.+\))? = "(\w+)"(?: \| "(\w+)")?,', source)
    return {name: meaning for meaning, *names in rows for name in names if name}


@cache
def statuses() -> dict[str, tuple[str, str]]:
    """Whether each status word is final, and its meaning. A test compares this table of status.rs with the code."""
    rows = re.findall(r"/// \| \d \| `(\w+)` \| (yes|no) \| (.+) \|\n", (EVENTS / "src" / "status.rs").read_text())
    return {word: (final, meaning) for word, final, meaning in rows}


def examples(name: str, path: str) -> dict[str, Json]:
    """The first golden message of a type for each value at a path. Prefers files named like the type, and leaves out
    messages with keys that the model doesn't name."""
    found: dict[str, Json] = {}
    for _, case in sorted(golden(), key=lambda case: not case[0].startswith(name)):
        value = case["message"]
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        is_plain = case["view"]["kind"].get("known") and not case["view"]["unrecognized"]
        if value and is_plain and case["message"].get("type") == name:
            found.setdefault(value, case)
    return found


def kinds(name: str) -> list[tuple[str, str]]:
    """The paths and values that divide a message type."""
    paths = [path for path in KINDS if path.startswith(f"{name}.")]
    return [(path, value) for path in paths for value in examples(name, path) if value != name]


def alternatives(schema: Json) -> list[Json]:
    """A schema without references and null. A message within a message isn't described again."""
    if "$ref" in schema:
        return alternatives(definitions()[schema["$ref"].rsplit("/", 1)[1]])
    if schema.get("title") == "Message":
        return [{"type": "object", "description": schema["description"]}]
    if "anyOf" in schema:
        return [one for each in schema["anyOf"] for one in alternatives(each)]
    return [schema] if schema["type"] != "null" else []


def fields(schema: Json, prefix: str = "") -> list[tuple[str, ...]]:
    """A row for each field: its path, its type, whether it is required, and its meaning."""
    rows = []
    for name, field in schema.get("properties", {}).items():
        found = alternatives(field)
        elements = [one for each in found if "items" in each for one in alternatives(each["items"])]
        described = [one["description"] for one in (field, *found, *elements) if "description" in one]
        # The words of an open set are at its own definition.
        meaning = [described[0], *(about for about in described[1:] if about.startswith("An open set"))]
        required = "yes" if name in schema.get("required", []) else ""
        rows.append((f"`{prefix}{name}`", type_of(found), required, " ".join(" ".join(meaning).split())))
        for one in found:
            rows += fields(one, f"{prefix}{name}.")
        for one in elements:
            rows += fields(one, f"{prefix}{name}[].")
    return rows


def type_of(found: list[Json]) -> str:
    names = [name for one in found for name in ([one["type"]] if isinstance(one["type"], str) else one["type"])]
    names = list(dict.fromkeys("number" if name == "integer" else name for name in names if name != "null"))
    return "any JSON" if len(names) > 3 else " or ".join(names)


def pretty(value: Any, indent: str = "", used: int = 0) -> str:
    """JSON in which an object or array is on one line if it fits."""
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, (dict, list)) or len(indent) + used + len(line) < WIDTH - 10:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        members = [f"{json.dumps(key)}: {pretty(member, inner, len(key) + 5)}" for key, member in value.items()]
    elif all(isinstance(element, str) for element in value):
        members = [textwrap.fill(line[1:-1], WIDTH - 10, subsequent_indent=inner)]
    else:
        members = [pretty(element, inner) for element in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(members) + f"\n{indent}{closing}"


class Page:
    """What was written, and every policy and example in it."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.policies: list[Policy] = []
        self.examples: list[Example] = []

    def text(self) -> str:
        return "\n\n".join(self.parts) + "\n"

    def write(self, *parts: str) -> None:
        """Headings, comments and paragraphs."""
        self.parts += [textwrap.fill(part, WIDTH, break_long_words=False, break_on_hyphens=False) for part in parts]

    def table(self, header: str, rows: list[tuple[str, ...]]) -> None:
        lines = [f"| {header} |", "|" + "---|" * len(rows[0]), *(f"| {' | '.join(row)} |" for row in rows)]
        self.parts.append("\n".join(lines))

    def fields(self, schema: Json) -> None:
        self.table("field | type | required | meaning", fields(schema))

    def json(self, label: str, value: Json) -> None:
        self.parts.append(f"{label}:\n\n```json\n{pretty(value)}\n```")

    def policy(self, path: tuple[str, ...], policy: Json, scope: str = "MessageAttributes") -> None:
        self.policies.append(Policy(path, policy, scope))
        self.json("Filter policy" if scope == "MessageAttributes" else f"Filter policy, scope `{scope}`", policy)

    def event(self, path: tuple[str, ...], event: Json, attributes: dict[str, str]) -> None:
        self.examples.append(Example(path, event, attributes))
        self.json("Example", event)

    def message(self, path: tuple[str, ...], case: Json, definition: str) -> None:
        event, attributes = sample("mo")
        event = event | {"data": event["data"] | {"content": case["message"]}}
        # The model infers the type of a message that states none, as the attribute does.
        attributes = attributes | {"type": case["view"]["type"]}
        attributes = {name: value for name, value in attributes.items() if value is not None}
        self.examples.append(Example(path, event, attributes, definition))
        self.json("Example", case["message"])


def index(page: Page) -> None:
    rows = []
    for kind in ("mo", "dlr"):
        name, title = asyncapi(kind)["name"], asyncapi(kind)["title"]
        rows.append((f"[`{name}`](#{name.replace('.', '')})", f"`{kind}`", f"{title}."))
    page.table("event | topic | what it is", rows)
    rows = []
    for name in known_types():
        links = ", ".join(f"[`{value}`](#{name}-{value})" for _, value in kinds(name))
        rows.append((f"[`{name}`](#{name})", meanings()[name], links))
    rows.append(("[any other](#other-messages)", "A message of another type, or without one.", ""))
    page.table("message type | what it is | kinds, by a policy on the body", rows)
    words = ", ".join(f"`{word}`" for word in statuses())
    page.write(f"[Delivery statuses](#delivery-status): {words}, and any other word.")


def event(page: Page, kind: str, path: tuple[str, ...]) -> None:
    """What the sections of both events have."""
    contract, (payload, attributes) = asyncapi(kind), sample(kind)
    name, headers = contract["name"], contract["headers"]
    topic = f"The topic is the stack's output `{kind.capitalize()}TopicArn`."
    page.write(f"## {name}", f"{contract['payload']['description']} {topic}")
    page.policy((kind,), {"kind": [kind]})
    page.write("Every event of the topic matches it. A subscription without a policy gets the same.")
    page.event(path, payload, attributes)
    page.write(f"### Attributes of {name}")
    rows = []
    for attribute, schema in headers["properties"].items():
        value = f"`{attributes[attribute]}`" if attribute in attributes else ""
        meaning = schema.get("description") or f"Always `{schema['const']}`."
        rows.append((f"`{attribute}`", value, "yes" if attribute in headers["required"] else "", meaning))
    page.table("attribute | in the example | required | meaning", rows)
    page.write(f"### Fields of {name}")
    page.fields(contract["payload"])


def mo(page: Page) -> None:
    event(page, "mo", ("mo", "text"))
    _, attributes = sample("mo")
    page.write(
        "### MO by reference", "`dataref` says where the body is, in place of `data`. The attributes are the same."
    )
    page.event(("mo", "text"), read("examples/mo-event-by-reference.json"), attributes)
    page.write("### MO with binary content", "The content isn't a message, so there is no attribute `type`.")
    attributes = {name: value for name, value in attributes.items() if name not in ("type", "destination")}
    page.event(("mo", "other"), read("examples/mo-event-binary.json"), attributes)
    example = asyncapi("mo")["examples"][1]
    page.write(
        "### MO without content",
        "[Subscribing](subscribing.md#events-without-content) explains `data.omitted`. There is no attribute `source`.",
    )
    page.event(("mo", "text"), example["payload"], example["headers"])


def dlr(page: Page) -> None:
    event(page, "dlr", ("dlr", "final", "received"))
    page.write(
        "### Delivery status",
        "[Subscribing](subscribing.md#delivery-status) explains `data.delivery`. *Documented* means by the gateway.",
    )
    failures = [word for word, (final, _) in statuses().items() if final == "yes" and word != "received"]
    rows = []
    for word, (final, meaning) in statuses().items():
        path = ("dlr", "final" if final == "yes" else "open", *(["failure"] if word in failures else []), word)
        page.policies.append(Policy(path, {"status": [word]}, "MessageAttributes"))
        receipt(page, path, word, final=final == "yes")
        rows.append((f"`{word}`", final, meaning, f"`{json.dumps(page.policies[-1].policy)}`"))
    page.table("status | final | meaning | filter policy", rows)
    page.write("### Failure", "This policy selects the receipts of messages that aren't delivered.")
    page.policy(("dlr", "final", "failure"), {"status": failures})
    page.write("### Any other status", "The set of words is open.")
    page.policy(("dlr", "other"), {"status": [{"anything-but": list(statuses())}]})
    receipt(page, ("dlr", "other"), "unheard-of")
    page.write("### Final status", "This policy selects the receipt that determines the final status of a message.")
    page.policy(("dlr", "final"), {"data": {"delivery": {"final": [True], "overtaken": [False]}}}, "MessageBody")
    receipt(page, ("dlr", "open", "sent"), "sent", final=True, overtaken=True)


def receipt(page: Page, path: tuple[str, ...], word: str, final: bool = False, overtaken: bool = False) -> None:
    """An event for the check of the policies. It isn't shown."""
    payload, attributes = sample("dlr")
    delivery = payload["data"]["delivery"] | {"current": word, "final": final, "overtaken": overtaken}
    payload = payload | {"data": payload["data"] | {"status": word, "delivery": delivery}}
    page.examples.append(Example(path, payload, attributes | {"status": word}))


def known_message(page: Page, name: str, definition: str, described: dict[str, str]) -> None:
    """The section of a message type. `described` has the type whose section lists the fields of a payload."""
    page.write(f"### {name}", f"{meanings()[name]} `{definition}` in the contract and the packages.")
    page.policy(("mo", name), {"type": [name]})
    if not kinds(name):
        page.message(("mo", name), examples(name, "type")[name], definition)
    payload = definitions()[definition]["allOf"][1]
    properties = {key: schema for key, schema in payload["properties"].items() if key != "type"}
    same = {described.setdefault(json.dumps(alternatives(schema)), name) for schema in properties.values()}
    if same == {name}:
        page.fields(payload | {"properties": properties})
    for other in sorted(same - {name}):
        keys = " and ".join(f"`{key}`" for key in properties)
        page.write(f"The fields of {keys} are those in the section [`{other}`](#{other}).")
    for path, value in kinds(name):
        policy: Any = [value]
        for key in reversed(["data", "content", *path.split(".")]):
            policy = {key: policy}
        page.write(f"#### {name}: {value}")
        page.policy(("mo", name, value), policy, "MessageBody")
        page.message(("mo", name, value), examples(name, path)[value], definition)


def other_messages(page: Page) -> None:
    def section(definition: str, *about: str) -> None:
        page.write(f"### {definition}", definitions()[definition]["description"], *about)

    cases = {name: [case for file, case in golden() if file == name] for name, _ in golden()}
    page.write("## Other messages", "Messages of a known type in another shape, and what has no known type.")
    section("MessageWithoutPayload", "The policy for its type selects it.")
    case = next(case for case in cases["image"] if "errors" in case["message"])
    page.message(("mo", "image"), case, "MessageWithoutPayload")
    section("UntypedMessage", "The policy for that type selects it.")
    case = next(case for case in cases["text"] if "type" not in case["message"])
    page.message(("mo", "text"), case, "UntypedMessage")
    section("OtherMessage", "The policy also selects status updates, and events with binary content.")
    page.policy(("mo", "other"), {"type": [{"anything-but": list(known_types())}, {"exists": False}]})
    page.message(("mo", "other"), cases["unrecognized"][0], "OtherMessage")
    section("StatusUpdateMessage")
    page.policy(("mo", "other", "status"), {"data": {"content": {"status": [{"exists": True}]}}}, "MessageBody")
    page.message(("mo", "other", "status"), cases["status"][0], "StatusUpdateMessage")
    page.fields(definitions()["StatusUpdate"])


def page() -> Page:
    page = Page()
    page.write(
        f"<!-- {NOTE} -->",
        "# Reference of events and messages",
        "Every event that wab publishes and every type of message, each with its fields, an example and the [filter "
        "policy](subscribing.md#attributes-for-filter-policies) that selects it.",
        "The page is generated from the [contracts](../infra/contracts) and the [golden "
        "messages](../shared/events/golden/messages). Tests validate each example against its contract, and check "
        "that each policy selects the examples of its section and no other.",
        "A required field is always present in its object.",
    )
    index(page)
    mo(page)
    dlr(page)
    page.write(
        "## Message types",
        "A message is the `data.content` of a `wab.mo.v1` event. Each type also has the [fields of every "
        "message](#fields-of-every-message). Fields that aren't required may be absent or null.",
        "A policy for a type also selects messages of that type that are malformed, and those [without a "
        "payload](#messagewithoutpayload).",
    )
    described: dict[str, str] = {}
    for name, definition in known_types().items():
        known_message(page, name, definition, described)
    other_messages(page)
    page.write("## Fields of every message", "None is required.")
    page.fields(definitions()["Head"])
    return page
