"""The fields of YAML front matter, read without what makes a small text a huge one."""

from __future__ import annotations

from typing import Any


def front_matter(text: str) -> Any:
    """What the YAML holds; `yaml.YAMLError` where it is not valid, or has an alias.

    Ten lines of aliases to lists of aliases stand for billions of words.
    """
    import yaml  # type: ignore[import-untyped, unused-ignore]  # its stubs are another package

    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
    return yaml.safe_load(text)
