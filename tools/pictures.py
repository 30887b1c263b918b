"""Make the pictures of the documentation: `python tools/pictures.py` trains the demo's networks and writes docs/_static/.

`python tools/pictures.py page` makes those of the page alone.

The pictures of the page and of the HTML file need Chromium; those of the command line and the figure need nothing that the demo does not.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURES = REPOSITORY / "docs" / "_static"
SWEEP = "tour"
MOST_BYTES = 200_000
COLORS = 96


def train() -> None:
    """The demo's sweep, in the working directory."""
    sys.path.insert(0, str(REPOSITORY / "examples"))
    import digits
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), contextlib.redirect_stdout(io.StringIO()):
        digits.run_grid(SWEEP)


PROGRAM = """\
import random, sys
import anew

lr, seed = float(sys.argv[1]), int(sys.argv[2])
anew.seed_everything(seed)
with anew.Experiment("alice/line/fit", config={"lr": lr}, quiet=True) as exp:
    slope = 0.0
    for step in range(400):
        x = random.uniform(-1, 1)
        error = slope * x - 3 * x
        slope -= lr * error * x
        exp.log({"train/loss": error**2, "slope": slope}, step=step)
"""


def project() -> None:
    """A repository with a program that was run three times, in the working directory."""
    Path("train.py").write_text(PROGRAM)
    author = ["-c", "user.name=Alice", "-c", "user.email=alice@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "Fit a line"]):
        subprocess.run(["git", *arguments], check=True)
    for lr, seed in (("0.1", "7"), ("0.1", "8"), ("0.3", "7")):
        subprocess.run([sys.executable, "train.py", lr, seed], check=True)


def anew(*arguments: str) -> str:
    """What a command prints where nobody watches; DIVERGED is an answer too."""
    environment = {**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-m", "anew", *arguments],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise SystemExit(f"anew {' '.join(arguments)}: {done.stderr}")
    return done.stdout.replace(sys.executable, "python")


def terminal(name: str, *commands: tuple[str, ...]) -> None:
    """A picture of a terminal in which commands were typed."""
    from rich.console import Console
    from rich.text import Text

    lines: list[tuple[str, str]] = []
    for arguments in commands:
        typed = " ".join(f'"{one}"' if " " in one else one for one in arguments)
        lines += [("", "")] if lines else []
        lines.append((f"$ anew {typed}", "bold green"))
        lines += [(line, "") for line in anew(*arguments).rstrip().splitlines()]
    width = max(len(line) for line, _ in lines)
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    for line, style in lines:
        console.print(Text(line, style, no_wrap=True), soft_wrap=True)
    svg = console.export_svg(title="anew", font_aspect_ratio=0.61)
    # The page must not fetch a font from elsewhere.
    start, end = svg.index("@font-face"), svg.rindex("@font-face")
    end = svg.index("}", end) + 1
    (PICTURES / f"{name}.svg").write_text(svg[:start] + svg[end:], encoding="utf-8")


def page(name: str, report: Path, *, dark: bool) -> None:
    """A picture of an HTML file in a browser."""
    from PIL import Image

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print(f"{name}: skipped, there is no Chromium", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "page.png")
        options = ["--blink-settings=preferredColorScheme=0", "--force-dark-mode"] if dark else []
        subprocess.run(
            [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={folder}/profile", "--window-size=1280,860", "--virtual-time-budget=4000",
             *options, f"--screenshot={target}", report.as_uri()],
            capture_output=True, check=True,
        )  # fmt: skip
        picture = Image.open(target).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
        picture.save(PICTURES / f"{name}.png", optimize=True)


def of_the_page(root: Path) -> None:
    """Pictures of the page that shows a root, in both themes."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        print("page: skipped, there is no Chromium", file=sys.stderr)
        return
    command = [sys.executable, "-m", "anew", "ui", "--root", str(root), "--port", "0", "--quiet", "--no-browser"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=browser, args=["--disable-gpu", "--no-sandbox"])  # fmt: skip
            shown = chromium.new_context(viewport={"width": 1440, "height": 820}).new_page()
            shown.goto(link)
            for theme in ("light", "dark"):
                shown.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of the two
                shown.locator("canvas").first.wait_for()
                shown.wait_for_timeout(3000)  # all that is on the screen has been drawn
                picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
                made = picture.quantize(COLORS, dither=Image.Dither.NONE)
                made.save(PICTURES / f"page-{theme}.png", optimize=True)
            chromium.close()
        process.terminate()


def of_a_project() -> None:
    """The pictures of what is asked about a program in a repository, made in the working directory."""
    project()
    terminal(
        "diff",
        ("diff", "alice/line/fit~1", "alice/line/fit~3"),
        ("reproduce", "alice/line/fit~2", "--yes"),
    )


def main(*names: str) -> None:
    """Make all of them, or those of the page alone."""
    PICTURES.mkdir(exist_ok=True)
    if names == ("page",):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            train()
            of_the_page(Path(folder, "experiments"))
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        train()
        terminal(
            "terminal",
            ("list", "metrics.val/acc.max > 0.97", "--limit", "6"),
            ("plot", "-f", "params.lr > 0.001", "-m", "val/acc", "--group-by", "params.lr"),
        )
        of_the_page(Path(folder, "experiments"))
        report = Path(folder, "digits.html")
        anew("export", "--all", "--to", str(report), "--title", "Handwritten digits")
        for dark in (False, True):
            page(f"file-{'dark' if dark else 'light'}", report, dark=dark)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        of_a_project()
    for path in sorted(PICTURES.glob("*.*")):
        size = path.stat().st_size
        print(f"{path.relative_to(REPOSITORY)}  {size:,} bytes")
        assert size < MOST_BYTES, path


if __name__ == "__main__":
    main(*sys.argv[1:])
