"""Says in one line what `sam local` misses: a Docker engine that answers, or the image, which is pulled if it can be.

Runs in sam's environment, with the library that sam itself reaches the engine with.
"""

import sys

import docker
from docker.errors import DockerException, ImageNotFound


def main(image: str) -> str | None:
    try:
        engine = docker.from_env()
        engine.ping()
    except DockerException:
        return "sam local needs a Docker engine: none answers at DOCKER_HOST or /var/run/docker.sock"
    try:
        engine.images.get(image)
    except ImageNotFound:
        print(f"pulling {image}", flush=True)
        try:
            engine.images.pull(image)
        except DockerException as error:
            why = getattr(error, "explanation", None) or error
            return f"sam local needs the image {image}, which isn't there and can't be pulled: {why}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
