"""The Markdown of a report: nothing that somebody writes becomes anything but text, links and their like."""

from __future__ import annotations

import re

import pytest

from anew.reports.markdown import experiments_linked, runs_of, title_of, to_html

HOSTILE = """# <script>alert(1)</script> [x](javascript:alert(2))

<img src=x onerror="alert(3)"> <iframe src="https://evil.example"></iframe>

![a picture](https://evil.example/spy.png) ![b](data:text/html;base64,AA) <https://ok.example>

[a](JaVaScRiPt:alert(4)) [b](data:text/html,x) [c](vbscript:x) [d](file:///etc/passwd) [e](//evil.example)
[f]: javascript:alert(5)
[f] [g](anew:k7f3) [h](anew:../x) [i](&#106;avascript:alert(6))

| <b>x</b> | y |
|---|--:|
| <a href="javascript:alert(7)">z</a> | `</td><script>` |

```html
<script>alert(8)</script>
```
"""


def html_of(text: str) -> str:
    return "".join(to_html(run.tokens) for run in runs_of(text) if run.block is None)


def test_tags_are_text_and_links_lead_to_nothing_that_runs():
    html = html_of(HOSTILE)
    tags = set(re.findall(r"<(\w+)", html))
    assert tags <= {"h1", "p", "a", "table", "thead", "tbody", "tr", "th", "td", "pre", "code"}
    targets = re.findall(r'href="([^"]*)"', html)
    assert targets == ["https://evil.example/spy.png", "https://ok.example", "anew:k7f3"]
    assert '<th align="right">' in html
    assert not re.search(r"\s(on\w+|src|style)=", re.sub(r">[^<]*<", "><", html))


def test_blocks_are_found_where_they_stand_alone():
    text = "a\n\n```anew\nfigure: loss\n```\n\n- item\n\n  ```anew\n  figure: no\n  ```\n\n~~~ anew \ntable: true\n~~~\n\n```anewer\nx\n```\n"
    assert [run.block for run in runs_of(text)] == [
        None,
        "figure: loss\n",
        None,
        "table: true\n",
        None,
    ]


def test_references_are_known_from_end_to_end():
    first, block, second = runs_of("[a]\n\n```anew\nfigure: x\n```\n\n[a]: https://ok.example\n\nb")
    assert 'href="https://ok.example"' in to_html(first.tokens)
    assert block.block
    assert to_html(second.tokens) == "<p>b</p>\n"


@pytest.mark.parametrize(
    ("text", "title"),
    [("", ""), ("text", ""), ("## A `b` *c*\n", "A b c"), ("```anew\nx: 1\n```\n# D\n", "D")],
)
def test_the_title_is_the_first_heading(text, title):
    assert title_of(text) == title


def test_links_to_experiments_are_found_and_lead_where_they_are_told_to():
    text = "[a](anew:k7f3) [b](anew:lab) [a](anew:k7f3)"
    assert experiments_linked(text) == ["k7f3", "lab"]
    (run,) = runs_of(text)
    assert 'href="https://s/x/k7f3"' in to_html(run.tokens, lambda ref: f"https://s/x/{ref}")
    assert "href" not in to_html(run.tokens, lambda ref: None)
