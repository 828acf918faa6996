"""Checks that `sam local` has a Docker engine and the Lambda image, and pulls the image if it is missing.

Runs in the `sam` environment, with the Docker library that the SAM CLI itself uses.
"""

import sys

import docker
from docker.errors import DockerException, ImageNotFound


def main(image: str) -> str | None:
    try:
        engine = docker.from_env()
        engine.ping()
    except DockerException:
        return "sam local needs a Docker engine: none responds at DOCKER_HOST or /var/run/docker.sock"
    try:
        engine.images.get(image)
    except ImageNotFound:
        print(f"pulling {image}", flush=True)
        try:
            engine.images.pull(image)
        except DockerException as error:
            reason = getattr(error, "explanation", None) or error
            return f"sam local needs the image {image}, which is missing and can't be pulled: {reason}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
