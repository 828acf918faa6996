"""Lambda functions: their log lines, their metrics, and the end of their processes.

- Each line of a process goes to the log group of LoggingConfig at once, in a stream of that process, unless its level
  is below the function's ("Log-level filtering", AWS Lambda Developer Guide). ministack writes a stream for each
  invocation, in the text format.
- A failed invocation is reported by Lambda's own lines, which SystemLogLevel WARN keeps. Their shape is that of "Lambda
  Telemetry API Event schema reference".
- "Types of metrics for Lambda functions" (same guide). ministack counts direct invocations only.
- ministack kills running invocations when a function's configuration changes, or when one of the function's processes
  can't start. AWS lets them finish.
"""

import contextvars
import json
import threading
import time
import uuid
from datetime import datetime, timezone
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from patches import logs, metrics, permissions

LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]

# The stream of the process that served this thread's last invocation.
STREAM = threading.local()

# What API Gateway wants to know of the invocation that it waits for. See api.py.
Invocation = dict[str, Any]
WAITING: "contextvars.ContextVar[Invocation | None]" = contextvars.ContextVar("waiting", default=None)


def install() -> None:
    let_invocations_finish()
    worker = lambda_runtime.ProvidedWorker
    worker._pump_output = copy_lines(worker._pump_output)
    worker.invoke = remember_stream(worker.invoke)
    lambda_svc._provided_worker_env = with_log_variables(lambda_svc._provided_worker_env)
    lambda_svc._emit_lambda_logs = lambda *_arguments, **_more: None
    lambda_svc._emit_lambda_metrics = lambda *_arguments, **_more: None
    lambda_svc._acquire_execution_slot = count_throttles(lambda_svc._acquire_execution_slot)
    lambda_svc._execute_function_dispatch = observe(lambda_svc._execute_function_dispatch)


def let_invocations_finish() -> None:
    kill = lambda_runtime.kill_workers

    def kill_when_done(workers: list[Any]) -> None:
        # A failed process stays marked as in use, so wait no longer than the function's timeout.
        give_up = time.monotonic() + 1 + max(worker.config.get("Timeout", 3) for worker in workers)
        while any(worker.in_use for worker in workers) and time.monotonic() < give_up:
            time.sleep(0.05)
        kill(workers)

    def kill_idle(workers: list[Any]) -> None:
        workers = [worker for worker in workers if worker is not None]
        busy = [worker for worker in workers if worker.in_use]
        kill([worker for worker in workers if worker not in busy])
        if busy:
            threading.Thread(target=kill_when_done, args=(busy,), daemon=True).start()

    lambda_runtime.kill_workers = kill_idle


class Copied:
    """A process's output, of which each line is also written to the log."""

    def __init__(self, output: Any, config: dict[str, Any], stream: str) -> None:
        self.output, self.config, self.stream = output, config, stream
        self.close = output.close

    def readline(self) -> bytes:
        line = self.output.readline()
        text = line.decode(errors="replace").rstrip("\r\n")
        if text and is_kept(text, application_level(self.config)):
            write_log(self.config, self.stream, text)
        return line


def copy_lines(original: Any) -> Any:
    def pump(worker: Any, output: Any, lines: Any) -> None:
        # A process of its own has a stream of its own: it is in its environment.
        worker.log_stream = new_stream()
        original(worker, Copied(output, worker.config, worker.log_stream), lines)

    return pump


def new_stream() -> str:
    return f"{datetime.now(timezone.utc):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"


def remember_stream(original: Any) -> Any:
    def invoke(worker: Any, *arguments: Any, **more: Any) -> Any:
        try:
            return original(worker, *arguments, **more)
        finally:
            STREAM.name = getattr(worker, "log_stream", None) or new_stream()

    return invoke


def with_log_variables(original: Any) -> Any:
    """The variables by which Lambda tells a runtime how to log ("Using Lambda environment variables")."""

    def variables(config: dict[str, Any], *arguments: Any) -> dict[str, str]:
        return original(config, *arguments) | {
            "AWS_LAMBDA_LOG_GROUP_NAME": log_group(config),
            "AWS_LAMBDA_LOG_FORMAT": (config.get("LoggingConfig") or {}).get("LogFormat", "Text"),
            "AWS_LAMBDA_LOG_LEVEL": application_level(config),
        }

    return variables


def log_group(config: dict[str, Any]) -> str:
    return (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"


def write_log(config: dict[str, Any], stream: str, line: str) -> None:
    """Writes a line with the permissions of the function's role. Without them, the line is dropped."""
    if permissions.may_log(config, log_group(config), stream):
        logs.write(log_group(config), stream, line)


def application_level(config: dict[str, Any]) -> str:
    return (config.get("LoggingConfig") or {}).get("ApplicationLogLevel") or "INFO"


def is_kept(line: str, lowest: str) -> bool:
    """Whether the line's level is at least `lowest`. A line without a valid level is INFO."""
    level = "INFO"
    if line.startswith("{"):
        try:
            named = str(json.loads(line).get("level")).upper()
            level = named if named in LEVELS else level
        except ValueError:
            pass
    return LEVELS.index(level) >= LEVELS.index(lowest)


def count_throttles(original: Any) -> Any:
    def acquire(func: dict[str, Any], config: dict[str, Any]) -> Any:
        slot, limit = original(func, config)
        record(config, "Throttles", 1 if slot is None else 0)
        return slot, limit

    return acquire


def observe(original: Any) -> Any:
    def dispatch(func: dict[str, Any], config: dict[str, Any], event: Any, request_id: str, started: float) -> Any:
        key = lambda_svc._inflight_key(config)
        record(config, "ConcurrentExecutions", lambda_svc._inflight.get(key, 1))
        result = original(func, config, event, request_id, started)
        milliseconds = (time.time() - started) * 1000
        failed = bool(result.get("error"))
        record(config, "Invocations", 1)
        record(config, "Errors", 1 if failed else 0)
        record(config, "Duration", milliseconds, "Milliseconds")
        if age := iterator_age(event, started):
            record(config, "IteratorAge", age * 1000, "Milliseconds")
        if failed:
            for line in platform_lines(config, request_id, result.get("body"), milliseconds):
                write_log(config, getattr(STREAM, "name", None) or new_stream(), json.dumps(line))
        if (waiting := WAITING.get()) is not None:
            waiting |= {
                "api_request": event["requestContext"]["requestId"],
                "request": request_id,
                "milliseconds": milliseconds,
                "error": result["body"] if failed else None,
            }
        return result

    return dispatch


def record(config: dict[str, Any], name: str, value: float, unit: str = "Count") -> None:
    metrics.record("AWS/Lambda", name, value, unit, {"FunctionName": config["FunctionName"]})


def iterator_age(event: Any, now: float) -> float | None:
    """The age in seconds of the last record of a stream's batch. A batch that a client made may lack the time."""
    records = event.get("Records") if isinstance(event, dict) else None
    if not records or records[-1].get("eventSource") != "aws:dynamodb":
        return None
    created = records[-1].get("dynamodb", {}).get("ApproximateCreationDateTime")
    return None if created is None else max(0.0, now - float(created))


def platform_lines(config: dict[str, Any], request_id: str, error: Any, milliseconds: float) -> list[dict[str, Any]]:
    """What Lambda logs of a failed invocation at SystemLogLevel WARN."""
    error = error if isinstance(error, dict) else {}
    kind, message = error.get("errorType", "Runtime.Unknown"), str(error.get("errorMessage", ""))
    starting = message.startswith(("bootstrap", "init error"))
    if kind == "Sandbox.Timedout":
        status = "timeout"
    else:
        # The process reported "failure" itself; "error" is the end of the process.
        status = "error" if kind.startswith(("Runtime.", "Sandbox.")) else "failure"
    measured = {"durationMs": round(milliseconds, 3)}
    whole = {
        **measured,
        "billedDurationMs": int(milliseconds) + 1,
        "memorySizeMB": config.get("MemorySize", 128),
        "maxMemoryUsedMB": config.get("MemorySize", 128),
    }
    lines: list[tuple[str, dict[str, Any]]] = []
    if starting:
        record = {"initializationType": "on-demand", "phase": "init", "status": "error", "metrics": measured}
        lines.append(("platform.initReport", record))
    else:
        lines.append(("platform.runtimeDone", {"requestId": request_id, "status": status, "metrics": measured}))
    lines.append(("platform.report", {"requestId": request_id, "status": status, "metrics": whole}))
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [{"time": now, "type": kind, "record": record} for kind, record in lines]
