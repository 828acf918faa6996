"""The Go types of the contract, with what clients/go/json.go needs to read and write them."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

TEXT_OR_NUMBER = ["string", "integer", "number"]
ANY_JSON = ["object", "array", "string", "integer", "number", "boolean", "null"]
INITIALISMS = {"id": "ID", "json": "JSON", "mime": "MIME", "sha256": "SHA256", "url": "URL", "urls": "URLs"}


def generate(schema: dict, note: str) -> str:
    note = note.removeprefix("Generated ").removesuffix(". Don't edit.")
    source = f'// Code generated {note}; DO NOT EDIT.\n\npackage wab\n\nimport (\n"encoding/json"\n"regexp"\n)\n'
    source += Types(schema["$defs"]).write()
    gofmt = next(Path(sys.prefix).glob("lib/python*/site-packages/go/bin/gofmt"))
    return subprocess.run([str(gofmt), "-s"], input=source, stdout=subprocess.PIPE, text=True, check=True).stdout


class Types:
    def __init__(self, definitions: dict) -> None:
        self.definitions = definitions
        # A part of others is embedded in their types.
        self.parts = {
            referred(part) for schema in definitions.values() for part in schema.get("allOf", ()) if "$ref" in part
        }
        self.declarations: list[str] = []

    def write(self) -> str:
        for name, schema in self.definitions.items():
            self.declare(name, schema)
        return "\n".join(self.declarations)

    def declare(self, name: str, schema: dict) -> None:
        if "anyOf" in schema:
            self.declare_union(name, schema)
        elif "oneOf" in schema:
            self.declare_known(schema)
        elif schema.get("type") == "string":
            self.declarations.append(f"{described(name, schema)}type {go_name(name)} string\n")
        elif "properties" in schema or "allOf" in schema:
            self.declare_struct(name, schema)
        else:
            self.declare_text(name, schema)

    def declare_struct(self, name: str, schema: dict) -> None:
        place = len(self.declarations)
        body = []
        for part in schema.get("allOf", [schema]):
            if "$ref" in part:
                body.append(go_name(referred(part)))
            else:
                body += self.fields(part)
        is_message = "allOf" in schema  # has the members in its Head
        if name == "Head" or name not in self.parts and not is_message:
            body.insert(0, "Object")
        text = f"{described(name, schema)}type {go_name(name)} struct {{\n" + "\n".join(body) + "\n}\n"
        if name not in self.parts:
            text += methods(name, "read(data, v)", "write(v)")
        if is_message:
            text += f"\nfunc (*{go_name(name)}) message() {{}}\n"
        self.declarations.insert(place, text)

    def fields(self, schema: dict) -> list[str]:
        fields = []
        for key, value in schema["properties"].items():
            is_required = key in schema.get("required", ())
            go_type, tags = self.type_of(value, is_required)
            tags = f'json:"{key}{"" if is_required else ",omitempty"}"{tags}'
            fields.append(f"{comment(value.get('description', ''))}{go_name(key)} {go_type} `{tags}`")
        return fields

    def type_of(self, schema: dict, is_required: bool) -> tuple[str, str]:
        """The type of a field, and its tags."""
        kind = schema.get("type")
        if "anyOf" in schema:
            typed, other = schema["anyOf"]
            is_open = other["type"] == ANY_JSON
            return self.type_of(typed, False)[0], ' open:"true"' if is_open else ""
        if "$ref" in schema:
            name = referred(schema)
            return self.pointer(is_required, self.definitions[name]) + go_name(name), ""
        if kind == ANY_JSON:
            return "json.RawMessage", ""
        if "properties" in schema:
            name = "".join(map(str.title, schema["title"].split()))
            self.declare(name, schema)
            return self.pointer(is_required, schema) + name, ""
        match kind if isinstance(kind, str) else kind[0]:
            case "array":
                return "[]" + self.type_of(schema["items"], True)[0], ""
            case "object":
                return "map[string]json.RawMessage", ""
            case "integer":
                return "uint64", ""
            case "boolean":
                return "bool", ""
        allowed = [schema["const"]] if "const" in schema else schema.get("enum", ())
        if allowed and "" not in allowed:
            return "string", f' enum:"{" ".join(allowed)}"'
        return "string", f' pattern:"{schema["pattern"]}"' if "pattern" in schema else ""

    def pointer(self, is_required: bool, schema: dict) -> str:
        return "*" if not is_required and "properties" in schema else ""

    def declare_union(self, name: str, schema: dict) -> None:
        alternatives = ", ".join(f"*{go_name(referred(member))}" for member in self.members(schema))
        text = described(name, schema) + comment(f"It is one of {alternatives}.", "//\n")
        methods = "// Shared returns the part that all types share.\nShared() *Head\nmessage()"
        self.declarations.append(f"{text}type {name} interface {{\n{methods}\n}}\n")

    def members(self, schema: dict) -> list[dict]:
        members = []
        for member in schema.get("anyOf", schema.get("oneOf")):
            definition = self.definitions[referred(member)]
            members += self.members(definition) if "oneOf" in definition else [member]
        return members

    def declare_known(self, schema: dict) -> None:
        rows = ""
        for member in schema["oneOf"]:
            name = referred(member)
            stated = self.definitions[name]["allOf"][1]["properties"]["type"]["const"]
            rows += f'"{stated}": func() Message {{ return new({name}) }},\n'
        text = "// known makes a message of each known type.\nvar known = map[string]func() Message{\n"
        self.declarations.append(f"{text}{rows}}}\n")

    def declare_text(self, name: str, schema: dict) -> None:
        """A string, or the text of another kind of JSON."""
        others, kept = ("numbers", "number") if schema["type"] == TEXT_OR_NUMBER else ("nested", "object or array")
        text = described(name, schema) + comment(f"The text of a JSON {kept} is kept.", "//\n")
        text += f"type {go_name(name)} string\n"
        pattern = "nil"
        if "pattern" in schema:
            pattern = f"{name[0].lower()}{name[1:]}Pattern"
            text = f"var {pattern} = regexp.MustCompile(`{schema['pattern']}`)\n\n{text}"
        self.declarations.append(text + methods(name, f"readText(data, (*string)(v), {others}, {pattern})"))


def referred(schema: dict) -> str:
    return schema["$ref"].rsplit("/", 1)[1]


def methods(name: str, read: str, write: str = "") -> str:
    text = "\n// UnmarshalJSON implements json.Unmarshaler.\n"
    text += f"func (v *{go_name(name)}) UnmarshalJSON(data []byte) error {{ return {read} }}\n"
    if write:
        text += "\n// MarshalJSON implements json.Marshaler.\n"
        text += f"func (v {go_name(name)}) MarshalJSON() ([]byte, error) {{ return {write} }}\n"
    return text


def go_name(name: str) -> str:
    words = re.findall(r"[a-z0-9]+|[A-Z][a-z0-9]*", name)
    return "".join(INITIALISMS.get(word.lower(), word[0].upper() + word[1:]) for word in words)


def described(name: str, schema: dict) -> str:
    """The description in Go's form, which begins with the name."""
    description = schema["description"]
    first, rest = description.split(" ", 1)
    if first in ("Describes", "Marks"):
        description = f"{first.lower()} {rest}"
    else:
        # "WhatsApp's" and "Meta's" keep their capital.
        description = "is " + (first if first.endswith("'s") else first.lower()) + f" {rest}"
    return comment(f"{go_name(name)} {description}")


def comment(text: str, before: str = "") -> str:
    paragraphs = (textwrap.wrap(paragraph, 113, break_on_hyphens=False) for paragraph in text.split("\n\n"))
    lines = "\n//\n".join("\n".join(f"// {line}" for line in lines) for lines in paragraphs)
    return f"{before}{lines}\n" if text else ""
