"""Reports as files: what they show is in them, and nothing that runs or is loaded."""

from __future__ import annotations

import base64
import re

import pytest

import anew
from anew import Experiment, Store
from anew.errors import InvalidValue, NotFound
from anew.printing import write_report

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(2)>"
QUIET = {"quiet": True, "console": "off", "system_metrics": 0}
TEXT = f"""# Found {HOSTILE}

A [link](https://example.org/a?b=1&c=2), [bad](javascript:alert(3)), [the run](anew:a/sweep/0), **bold** `code`.

> 1. one
>    - two

```python
print("long" * 40)  # {"x" * 120}
```

| a | b |
|---|--:|
| *c* | [d](https://example.org/d) |

```anew
figure: [loss, acc, nothing]
filter: name != 'hostile'
smooth: 0.5
caption: Curves {HOSTILE}
```

```anew
figure: loss
group: [params.kind]
band: sd
y_log: true
```

```anew
table: [name, params.lr, metrics.loss, created_at]
sort: [-name]
limit: 3
```

```anew
verdict: [a/sweep/0, a/sweep/1]
```

```anew
view: nowhere
```

The end.
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("printing")
    for number in range(4):
        with Experiment(
            f"a/sweep/{number}", root=root, params={"lr": 10.0**-number, "kind": "ab"[number % 2]}, **QUIET
        ) as exp:  # fmt: skip
            for step in range(30):
                exp.log_metrics({"loss": 1 / (1 + step + number), "acc": step / 30}, step=step)
    with Experiment("a/sweep/hostile", root=root, params={"lr": HOSTILE}, **QUIET) as exp:
        exp.log_metrics({"loss": float("nan")}, step=0)
        exp.log_value("note", anew.Text(HOSTILE), step=0)
    with Store(root) as opened:
        opened.reports.save("paper", TEXT, "a")
        yield opened


def test_names_and_values_are_text_in_plots_too(store, tmp_path):
    blocks = ("plot: boxes\nsetting: params.lr", "plot: scatter\nsetting: params.lr", "plot: parallel", "plot: compare\nsetting: params.lr", "names: [note]")  # fmt: skip
    text = "\n".join(f"```anew\n{one}\ncaption: '{HOSTILE}'\n```\n" for one in blocks)
    report = store.reports.save("hostile", text, "a")
    written = write_report(store, report, tmp_path / "hostile.html")
    assert written.problems == ()
    text = written.path.read_text()
    tags = set(re.findall(r"<(\w+)[^>]*>", re.sub(r"<style>.*?</style>", "", text, flags=re.S)))
    assert not {"script", "iframe", "link", "object", "svg"} & tags
    assert "onerror" not in " ".join(re.findall(r"<img[^>]*>", text))
    for one in re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', text):
        assert not re.search(rb"<script|<[^>]* on\w+=", base64.b64decode(one))
    store.reports.remove("hostile", "a")


def test_an_html_file_has_everything_and_runs_nothing(store, tmp_path):
    written = write_report(store, "paper", tmp_path / "paper.html", project="a")
    assert [one.partition(".")[0] for one in written.problems] == ["There is no saved view 'nowhere'"]  # fmt: skip
    text = written.path.read_text()
    assert written.size == len(text.encode())
    tags = re.findall(r"<(\w+)[^>]*>", re.sub(r"<style>.*?</style>", "", text, flags=re.S))
    assert not {"script", "iframe", "link", "object", "embed", "svg", "form"} & set(tags)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    images = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)" alt="[^"<>]*">', text)
    assert tags.count("img") == len(images) == 3
    for one in images:
        drawn = base64.b64decode(one)
        assert b"<script" not in drawn
        assert b"<path" in drawn
    assert set(re.findall(r'href="([^"]*)"', text)) == {
        "https://example.org/a?b=1&amp;c=2",
        "https://example.org/d",
    }
    assert "No experiment here logged nothing." in text
    assert re.findall(r"<td>(\d|hostile)</td>", text) == ["hostile", "3", "2"]
    assert "The first 3 of 5 experiments." in text
    assert "<strong>DIVERGED</strong>" in text
    assert text.index("The end.") > text.index("nowhere")


@pytest.mark.slow
def test_a_pdf_has_pages_figures_and_links(store, tmp_path):
    written = write_report(store, "paper", tmp_path / "paper.pdf", project="a")
    content = written.path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Subtype /Image") >= 3
    assert sorted(set(re.findall(rb"/URI \(([^)]*)\)", content))) == [
        b"https://example.org/a?b=1&c=2",
        b"https://example.org/d",
    ]
    assert b"/JavaScript" not in content
    assert b"/Launch" not in content
    again = write_report(store, "paper", tmp_path / "again.pdf", project="a")
    assert again.path.read_bytes() == content


def test_markdown_that_nobody_would_write_is_set_on_pages_too(store, tmp_path):
    text = "\n".join(
        [
            "> " * 40 + "deep", "", *("  " * depth + f"- {depth}" for depth in range(30)), "", "x" * 5000, "", "```", "y" * 900, "```", "",
            "|" + "a|" * 40, "|" + "-|" * 40, "|" + ("z" * 300 + "|") * 40, "", "# " + "w" * 400, "", "[a](https://e.org/" + "q" * 900 + ")",
            "", "1. a\n\n   - b\n\n     5. c", "", "漢字 \U0001f600 \u202e", "", "***", "", "&lt;b&gt; <b> &amp;amp;", "", "\\", "", "|a|\n|-|",
        ]
    )  # fmt: skip
    report = store.reports.save("odd", text)
    assert write_report(store, report, tmp_path / "odd.pdf").size > 1000
    assert write_report(store, store.reports.save("empty", ""), tmp_path / "none.pdf").size > 500


def test_the_markdown_itself_and_what_cannot_be_written(store, tmp_path):
    written = write_report(store, "paper", tmp_path / "new" / "paper.md", project="a")
    assert written.path.read_text() == TEXT
    with pytest.raises(InvalidValue):
        write_report(store, "paper", tmp_path / "paper.doc", project="a")
    with pytest.raises(NotFound):
        write_report(store, "paper", tmp_path / "paper.html")
    assert [one.name for one in tmp_path.iterdir()] == ["new"]
