"""The base of every generated class."""

import pydantic


class Model(pydantic.BaseModel):
    """Keeps unknown keys. Its validator is built on first use, because building all of them takes seconds."""

    model_config = pydantic.ConfigDict(extra="allow", defer_build=True)
