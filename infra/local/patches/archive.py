"""Firehose and Athena: what examples/archive needs of them.

- Firehose's processor AppendDelimiterToRecord ends each record with a newline ("Processor", Firehose API Reference).
  ministack ignores it. It writes each record to an object of its own at once, whatever the buffering hints, and doesn't
  compress it.
- Athena reads a table's columns with the types of the table; keys without a column are ignored, and what doesn't fit is
  null with `ignore.malformed.json` and `use.null.for.invalid.data` ("OpenX JSON SerDe", Athena User Guide). ministack
  guesses the columns from the data.
- CloudFormation's AWS::Athena::NamedQuery. ministack has the API alone.
"""

import json
from typing import Any

from ministack.services import athena, firehose
from ministack.services.cloudformation import provisioners

OPENX = "org.openx.data.jsonserde.JsonSerDe"
LENIENT = ("ignore.malformed.json", "use.null.for.invalid.data")


def install() -> None:
    firehose._apply_lambda_processors = with_delimiter(firehose._apply_lambda_processors)
    athena._table_relation = with_columns(athena._table_relation)
    provisioners._RESOURCE_HANDLERS["AWS::Athena::NamedQuery"] = {
        "create": create_named_query,
        "delete": lambda query_id, _properties: athena._delete_named_query({"NamedQueryId": query_id}),
    }


def with_delimiter(original: Any) -> Any:
    def process(stream: Any, destination: dict[str, Any], records: Any, *more: Any, **named: Any) -> Any:
        processed = original(stream, destination, records, *more, **named)
        configuration = destination["config"].get("ProcessingConfiguration") or {}
        kinds = [processor["Type"] for processor in configuration.get("Processors") or []]
        delimits = configuration.get("Enabled") and "AppendDelimiterToRecord" in kinds
        return [(record_id, data + b"\n") for record_id, data in processed] if delimits else processed

    return process


def with_columns(original: Any) -> Any:
    def relation(table: dict[str, Any], files: list[str]) -> str:
        storage = table["StorageDescriptor"]
        serde = storage.get("SerdeInfo") or {}
        if serde.get("SerializationLibrary") != OPENX:
            return original(table, files)
        parameters = serde.get("Parameters") or {}
        lenient = all(parameters.get(name, "").lower() == "true" for name in LENIENT)
        columns = ", ".join(
            f"'{column['Name']}': '{firehose._hive_to_duckdb_type(column['Type'])}'" for column in storage["Columns"]
        )
        partitions = athena._hive_options(athena._path_partition_keys(table, files))
        return (
            f"read_json({athena._sql_list(files)}, format = 'newline_delimited', columns = {{{columns}}}, "
            f"ignore_errors = {str(lenient).lower()}, {partitions})"
        )

    return relation


def create_named_query(_logical_id: str, properties: dict[str, Any], _stack_name: str) -> tuple[str, dict[str, str]]:
    _status, _headers, body = athena._create_named_query(properties)
    query_id = json.loads(body)["NamedQueryId"]
    return query_id, {"NamedQueryId": query_id}
