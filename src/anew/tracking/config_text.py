"""Configurations as YAML text, read and written so that numbers stay numbers.

PyYAML follows YAML 1.1, where `1e-3` is a text; everybody who writes a learning rate means YAML 1.2,
where it is a number. Both directions here go by 1.2 in that.
"""

from __future__ import annotations

import re

import yaml

from ..record.yaml_text import load_guarded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["dump_yaml", "load_yaml"]

_FLOAT = re.compile(
    r"^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _text(dumper: Any, text: str) -> Any:
    style = None
    if not text.replace("\n", "").isprintable():
        style = '"'  # the only style that can hold every character
    elif "\n" in text and text == text.strip(" "):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _with_floats(kind: Any) -> Any:
    """A loader or dumper that knows the floats of YAML 1.2."""
    ours: Any = type(kind.__name__, (kind,), {})
    ours.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    if hasattr(ours, "represent_data"):
        ours.add_representer(str, _text)
        ours.ignore_aliases = lambda self, data: True
    return ours


_Loader = _with_floats(_SafeLoader)
_Dumper = _with_floats(_SafeDumper)


def load_yaml(text: bytes | str) -> Any:
    """The one document in `text`; never runs code.

    Raises:
        yaml.YAMLError: It is not YAML, or more than one document.
        ValueError: It is nested too deeply, or too large written out.
    """
    return load_guarded(text, _Loader)


def dump_yaml(data: Any) -> str:
    """Plain data as YAML text, in its own order, unicode readable."""
    dumper = _Dumper
    if any(ord(c) > 0xFFFF for c in str(data)):  # libyaml would write these as escapes
        dumper = _readable_dumper()
    text: str = yaml.dump(
        data,
        Dumper=dumper,
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=False,
        width=100,
    )
    return text


def _readable_dumper() -> Any:
    return _with_floats(yaml.SafeDumper)
