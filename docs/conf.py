"""Configuration of the documentation site; `make docs` builds it, every warning an error."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras looks for TensorFlow otherwise

import generate  # noqa: E402  (docs/generate.py, found through the line above)

generate.write_all(HERE / "reference" / "generated")

project = "Anew"
author = "the Anew contributors"
copyright = author
release = importlib.metadata.version("anew")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
default_role = (
    "literal"  # docstrings are written to be read as they are: single backquotes mean code
)
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "Anew"
html_static_path = ["_static"]
html_css_files = ["anew.css"]
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b6e5f",
        "color-brand-content": "#0b6e5f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#4fd1b5",
        "color-brand-content": "#4fd1b5",
    },
}
copybutton_prompt_text = "$ "


def literal_blocks(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """An indented example after a line that ends in a colon is code, as every reader takes it."""
    for i in range(len(lines) - 2):
        line, between, example = lines[i : i + 3]
        ends = line.endswith(":") and not line.endswith("::")
        if ends and not between and example.startswith(" " * (indent(line) + 4)):
            lines[i] = line + ":"


def indent(line: str) -> int:
    """How many spaces a line begins with."""
    return len(line) - len(line.lstrip())


def setup(app: Sphinx) -> None:
    """Called by Sphinx. The priority is before napoleon's, which rewrites the sections."""
    app.connect("autodoc-process-docstring", literal_blocks, priority=400)
