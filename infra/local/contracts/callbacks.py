"""Tests a local stack against infra/contracts/openapi.json, with all checks of Schemathesis and a fixed seed.

WAB_STACK names the file stack.json of the stack. Schemathesis loads this file too, for its hook. Runs in the virtual
environment `schemathesis` of tools.py.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import UnsupportedMethodResponse

CONTRACT = Path(__file__).resolve().parents[3] / "infra" / "contracts" / "openapi.json"

SEED = 1
EXAMPLES = 20  # of each operation, beside those that cover the schema
ANSWER_SECONDS = 4  # docs/operations.md, "Answers"


@schemathesis.hook
def filter_failure(_context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Whether a failure is one."""
    match failure:
        # The body of a probe isn't read. OpenAPI can't say that a header makes the body optional.
        case AcceptedNegativeData():
            return not ("wab-probe" in case.headers and response.json()["outcome"] == "probe")
        # An HTTP API answers 404 if it has no such route, whatever its path.
        case UnsupportedMethodResponse():
            return not (response.status_code == 404 and response.json() == {"message": "Not Found"})
    return True


def main() -> int:
    stack = json.loads(Path(os.environ["WAB_STACK"]).read_text())
    options = [
        "--url", stack["api_url"],
        "--auth", f"{stack['username']}:{stack['password']}",
        "--checks", "all",
        "--max-response-time", str(ANSWER_SECONDS),
        "--seed", str(SEED),
        "--max-examples", str(EXAMPLES),
        "--generation-database", "none",
        "--continue-on-failure",
        "--no-color",
    ]  # fmt: skip
    program = Path(sys.executable).with_name("schemathesis")
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(Path(__file__).resolve())}
    with tempfile.TemporaryDirectory() as directory:  # it writes into its directory
        command = [str(program), "run", str(CONTRACT), *options]
        return subprocess.run(command, cwd=directory, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
