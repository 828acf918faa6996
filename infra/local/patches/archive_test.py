"""Firehose ends records with a newline, and Athena reads a table's columns as the table defines them."""

import tempfile
import unittest
from pathlib import Path
from typing import Any

import duckdb
from ministack.services import athena

from patches import archive

LINES = """\
{"id": "1", "data": {"content": {"type": "text", "text": {"body": "Kia ora"}}}}
{"id": "2", "data": {"content": "AAEC", "encoding": "base64"}}
{"id": "3", "dataref": "s3://bucket/key"}
not JSON
"""


class Archive(unittest.TestCase):
    def test_delimiter_is_appended(self) -> None:
        def process(configuration: dict[str, Any]) -> Any:
            destination = {"config": {"ProcessingConfiguration": configuration}}
            return archive.with_delimiter(lambda _stream, _destination, records: records)(
                None, destination, [("1", b"{}")]
            )

        processors = [{"Type": "AppendDelimiterToRecord"}]
        self.assertEqual(process({"Enabled": True, "Processors": processors}), [("1", b"{}\n")])
        self.assertEqual(process({"Enabled": False, "Processors": processors}), [("1", b"{}")])
        self.assertEqual(process({}), [("1", b"{}")])

    def read(self, **parameters: str) -> Any:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        file = Path(directory.name) / "dt=2026-11-23" / "object"
        file.parent.mkdir()
        file.write_text(LINES)
        table = {
            "PartitionKeys": [{"Name": "dt", "Type": "string"}],
            "StorageDescriptor": {
                "SerdeInfo": {"SerializationLibrary": archive.OPENX, "Parameters": parameters},
                "Columns": [
                    {"Name": "id", "Type": "string"},
                    {"Name": "data", "Type": "struct<content:struct<type:string>>"},
                ],
            },
        }
        relation = archive.with_columns(athena._table_relation)(table, [str(file)])
        return duckdb.sql(f"SELECT dt, id, data.content.type FROM {relation}").fetchall()

    def test_columns_have_the_types_of_the_table(self) -> None:
        rows = self.read(**dict.fromkeys(archive.LENIENT, "TRUE"))
        self.assertEqual(
            rows, [("2026-11-23", id, kind) for id, kind in [("1", "text"), ("2", None), ("3", None), (None, None)]]
        )

    def test_malformed_line_fails_the_query_by_default(self) -> None:
        with self.assertRaises(duckdb.Error):
            self.read()

    def test_template_makes_a_saved_query(self) -> None:
        query_id, attributes = archive.create_named_query("Query", {"Name": "n", "QueryString": "SELECT 1"}, "stack")
        self.assertEqual(attributes, {"NamedQueryId": query_id})
        self.assertEqual(athena._named_queries[query_id]["QueryString"], "SELECT 1")
