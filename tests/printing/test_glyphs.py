"""Characters that the fonts of a report lack: set in another font, or as their codes, and never left out."""

from __future__ import annotations

import base64
import io
import os
import re
import zlib
from xml.etree import ElementTree

import pytest
from PIL import Image

from anew import Experiment, Store
from anew.printing import write_report
from later import later

matplotlib = later("matplotlib")

WRITTEN = "# 漢字とかな **太字** 한글\n\nplain ✓ `code 漢` [語](https://e.org/語) ไทย\n\n```\n  中文 code\n```\n\n|見出し|\n|-|\n|値|\n"


@pytest.fixture(scope="module", autouse=True)
def bare():
    """A machine whose fonts are those of matplotlib."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("anew.printing.glyphs.fonts_here", tuple)
        yield


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("printed")
    with Store(str(folder)) as store:
        store.reports.save("東京", WRITTEN)
        return write_report(store, "東京", folder / "report.pdf").path.read_bytes()


def streams(content: bytes) -> bytes:
    """What is drawn on the pages."""
    found = re.findall(rb"/ASCII85Decode /FlateDecode.*?stream\r?\n(.*?)endstream", content, re.DOTALL)  # fmt: skip
    drawn = [zlib.decompress(base64.a85decode(one.strip(), adobe=one.strip().startswith(b"<~"))) for one in (each.strip() if each.strip().startswith(b"<~") else b"<~" + each.strip() for each in found)]  # fmt: skip
    return b"\n".join(drawn)


def drawn(text: str) -> bytes:
    """How a text stands in a page in a font with two bytes for each character."""
    data = text.encode("utf-16-be")
    return b"".join(b"\\%03o" % one if one < 32 or one > 126 else b"\\" * (one in b"()\\") + bytes([one]) for one in data)  # fmt: skip


def test_east_asian_text_is_in_the_pdf_in_the_form_of_its_language(printed):
    pages = streams(printed)
    assert b"/HeiseiKakuGo-W5" in printed  # kana: Japanese, of the Chinese characters too
    assert b"/HYGothic-Medium" in printed
    for text in ("漢字とかな", "太字", "見出し", "値", "漢", "語"):
        assert drawn(text) in pages, text
    assert drawn("한글") in pages


def test_what_no_font_has_is_told_and_stands_as_its_code():
    from anew.printing.glyphs import Glyphs
    from anew.printing.pdf import check, register

    check()
    register()
    chinese = Glyphs("中文")
    assert chinese.fitted("中文 and <b>é ✓</b>") == '<font face="STSong-Light">中文</font> and <b>é ✓</b>'  # fmt: skip
    assert len(chinese.said()) == 1
    assert "not in this file" in chinese.said()[0]
    thai = Glyphs("ไ")
    assert thai.fitted('<a href="x?a=語&amp;b">ไ &lt; a</a>') == '<a href="x?a=語&amp;b">[U+0E44] &lt; a</a>'  # fmt: skip
    (said,) = thai.said()
    assert "U+0E44 THAI CHARACTER SARA AI MAIMALAI" in said
    with pytest.MonkeyPatch.context() as patch:  # a machine with a font for it
        path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")
        patch.setattr("anew.printing.glyphs.fonts_here", lambda: ((path, frozenset([0x0E44])),))
        owner = Glyphs("")
        assert owner.fitted("ไ") == f'<font face="{path}">ไ</font>'
        assert owner.said() == []
    plain = Glyphs("")
    assert plain.fitted("a b é – …") == "a b é – …"
    assert plain.said() == []


def test_names_in_charts_that_no_font_of_charts_has_are_set_over_them(tmp_path):
    text = "```anew\nfigure: 検証/損失\n```\n\n```anew\nplot: scatter\nsetting: params.計画\nresult: metrics.検証/損失\n```\n"
    with Store(str(tmp_path)) as store:
        for at, plan in enumerate(("余弦", "定数", "余弦")):
            with Experiment(f"lab/実験{at}", root=str(tmp_path), params={"計画": plan}, quiet=True, console="off", system_metrics=0) as exp:  # fmt: skip
                exp.log_metrics({"検証/損失": 1.0 + at, "loss $a_1$": 1.0}, step=at)
        store.reports.save("drawn", text)
        pages = streams(write_report(store, "drawn", tmp_path / "drawn.pdf").path.read_bytes())
        page = write_report(store, "drawn", tmp_path / "drawn.html").path.read_text()
    for name in ("検証", "損失", "余弦", "定数", "計画", "実験"):
        assert drawn(name) in pages, name
    curves, dots = (base64.b64decode(one).decode() for one in re.findall(r"svg\+xml;base64,([^\"]+)", page))  # fmt: skip
    assert re.findall(r"<text [^>]*>([^<]*)</text>", curves) == ["検証/損失"]
    written = dict(re.findall(r"<text ([^>]*)>([^<]*)</text>", dots))
    assert sorted(written.values()) == sorted(["検証/損失 by 計画", "計画", "検証/損失", "余弦", "定数"])  # fmt: skip
    turned = next(how for how, name in written.items() if name == "検証/損失")
    assert "rotate(-90 " in turned  # the name of the axis that goes up


def test_a_text_that_is_lent_is_left_out_of_the_drawing_and_keeps_its_room():
    from anew.plots.style import new_axes
    from anew.printing.figure import charted
    from anew.printing.lent import Lent, lent_texts, with_texts

    figure, axes = new_axes(None, size=(3, 2))
    axes.set_axis_off()
    axes.set_title("検証\n\\$損失", loc="right")
    found = lent_texts(figure)
    assert [(one.text, one.anchor) for one in found] == [("検証", "end"), ("$損失", "end")]
    assert found[0].y > found[1].y > 0.7
    assert found[0].x > 0.9
    whole = with_texts(b"<svg></svg>", figure, [Lent("失\x01<b>&\ud800", 0, 0, 0.1, "#000000")])
    assert "".join(ElementTree.fromstring(whole).itertext()) == "失<b>&?"
    drawn = charted(figure, "png", "nothing")
    assert drawn.lent == found
    with Image.open(io.BytesIO(drawn.image)) as picture:
        assert picture.convert("L").getextrema() == (255, 255)
