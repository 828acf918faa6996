"""An HTTPS endpoint that SNS posts events to: it confirms its subscription, and handles each event once.

SNS posts only to a URL with a certificate of a known authority, so run this behind a server that has one:
python3 endpoint.py 8080 events.db MO_TOPIC_ARN DLR_TOPIC_ARN
"""

import sqlite3
import sys
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wab_events import Delivery, Unreadable
from wab_events.https import Confirm, Endpoint, Posted, Rejected

MAX_BYTES = 1024 * 1024  # an event is at most 256 KiB; its envelope escapes it


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # `Endpoint` checks the URL
        return answer.read().decode()


def handle(delivery: Delivery) -> None:
    print(delivery.event.id, delivery.event.type, flush=True)


def server(
    port: int,
    database: str,
    topic_arns: Sequence[str],
    handle: Callable[[Delivery], None] = handle,
    fetch: Callable[[str], str] = fetch,
) -> ThreadingHTTPServer:
    endpoint = Endpoint(topic_arns, certificate=lru_cache(maxsize=4)(fetch))
    with closing(sqlite3.connect(database)) as events, events:
        events.execute("CREATE TABLE IF NOT EXISTS handled (id TEXT PRIMARY KEY)")

    def take(body: str) -> None:
        match endpoint.take(body):
            case Confirm(subscribe_url=url):
                fetch(url)
            case Posted(delivery=Unreadable(reason=reason)):
                raise ValueError(reason)  # to the dead-letter queue
            case Posted(delivery=delivery):
                # One transaction: if `handle` fails, the id isn't kept, and SNS posts the event again.
                with closing(sqlite3.connect(database)) as events, events:
                    if events.execute("INSERT OR IGNORE INTO handled VALUES (?)", [delivery.event.id]).rowcount:
                        handle(delivery)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                length = min(MAX_BYTES, max(0, int(self.headers["Content-Length"])))
                take(self.rfile.read(length).decode(errors="replace"))
                self.send_response(200)
            except Rejected as rejected:
                self.log_message("rejected: %s", rejected)
                self.send_response(403)
            except Exception as error:  # SNS posts again
                self.log_message("failed: %s", type(error).__name__)
                self.send_response(500)
            self.end_headers()

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


if __name__ == "__main__":
    server(int(sys.argv[1]), sys.argv[2], sys.argv[3:]).serve_forever()
