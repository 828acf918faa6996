"""Takes the pictures of the console's views in docs/console, in Chromium, on the stack of `make up`."""

import tools  # first, for its check of the Python version  # isort: skip

import subprocess
import sys

import browser
from state import DEFAULT_NAME, Files

PICTURES = tools.ROOT / "docs" / "console"


def main() -> int:
    files = Files(DEFAULT_NAME)
    if not files.read_state():
        sys.exit("error: the stack isn't up")
    program = browser.find()
    if not program:
        sys.exit("error: there is no Chromium")
    command = [str(tools.node("browser")), str(browser.TESTS / "pictures.mjs")]
    environment = browser.environment(files, tools.program("wab"), program) | {"PICTURES": str(PICTURES)}
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        return 1
    for picture in PICTURES.glob("*.png"):
        # A palette makes the file smaller.
        Image.open(picture).convert("RGB").quantize(128).save(picture, optimize=True)
    return 0


if __name__ == "__main__":
    tools.install(["browser"])
    tools.continue_in("dashboard")
    from PIL import Image  # installed in that environment only

    sys.exit(main())
