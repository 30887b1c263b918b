"""What experiments logged beside metrics: a grid of pictures, what is marked in them, what two of them differ in, sounds and videos."""

from __future__ import annotations

import base64
import re

import numpy as np
import pytest
from playwright.sync_api import expect

import anew.dialects.wandb as wandb
from anew import Audio, Experiment, Image, Video

from .conftest import Shown

STEPS = 40
FRAMES = (0, 60, 120, 180, 240)
_RECORDED = """async type => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 64, height: 48});
    const context = canvas.getContext("2d");
    const stream = canvas.captureStream(0);
    const recorder = new MediaRecorder(stream, {mimeType: type});
    const parts = [];
    recorder.ondataavailable = event => parts.push(event.data);
    const size = () => parts.reduce((sum, one) => sum + one.size, 0);
    recorder.start(100);
    for (let shade = 0; shade <= 200; shade += 40) {
        const before = size();
        context.fillStyle = `rgb(${shade}, ${shade}, ${shade})`;
        context.fillRect(0, 0, 64, 48);
        stream.getVideoTracks()[0].requestFrame();
        // A machine that is busy encodes late, and leaves out what came meanwhile: each picture is waited for.
        for (let waited = 0; waited === 0 || (size() <= before && waited < 30); waited += 1) await new Promise(done => setTimeout(done, 100));
    }
    await new Promise(done => { recorder.onstop = done; recorder.stop(); });
    return btoa(String.fromCharCode(...new Uint8Array(await new Blob(parts).arrayBuffer())));
}"""
_FILMED = """time => {
    const films = [...document.querySelectorAll("video")];
    if (films.length !== 2 || films.some(one => one.seeking || one.readyState < 2 || Math.abs(one.currentTime - time) > 0.01)) return null;
    return films.map(one => {
        const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
        canvas.getContext("2d").drawImage(one, 0, 0, 1, 1);
        return canvas.getContext("2d").getImageData(0, 0, 1, 1).data[0];
    });
}"""
_PIXELS = """one => {
    const canvas = Object.assign(document.createElement("canvas"), {width: one.naturalWidth || one.width, height: one.naturalHeight || one.height});
    const context = canvas.getContext("2d");
    context.drawImage(one, 0, 0);
    return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def _seen(lab: Shown, prefix: str, shade: int) -> str:
    with Experiment(prefix, root=str(lab.root), quiet=True, system_metrics=0) as exp:
        for step in range(0, 10 * STEPS, 10):
            exp.log_metrics({"epoch": step / 100}, step=step)
            exp.log_value("seen", Image(np.full((4, 4), shade + step // 10, np.uint8)), step=step)
    return exp.id


@pytest.fixture(scope="module")
def seen(lab: Shown) -> tuple[str, list[str]]:
    """Twelve experiments with a picture at each of forty steps; the project they are in, and their ids."""
    project = "lab/media/seen"
    return project, [_seen(lab, f"{project}/e{at:02}", 10 * at) for at in range(12)]


@pytest.fixture(scope="module")
def heard(lab: Shown) -> str:
    """Two experiments with a sound and a video each; the project they are in."""
    project = "lab/media/heard"
    for at, name in enumerate("ab"):
        click = np.zeros(8000)
        click[6000 + at] = 1.0
        frames = np.stack([np.full((16, 24), shade + at, np.uint8) for shade in FRAMES])
        with Experiment(
            f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0
        ) as exp:
            exp.log_value("click", Audio(click, 8000), step=1)
            exp.log_value("film", Video(frames, fps=10, format="png"), step=1)
    return project


def test_a_grid_has_a_row_for_each_experiment_and_makes_what_is_on_the_screen(lab, seen, opened):
    project, _ = seen
    page = opened(lab, f"?in={project}&tab=media&media=grid&tile=96")
    grid = page.get_by_role("region", name=re.compile("^Grid of 480"))
    tiles = grid.locator(".tile")
    # The slider stands at the last step, which is what is seen.
    tiles.locator(".label", has_text=re.compile("step 390$")).first.wait_for()
    assert tiles.count() < 250
    page.get_by_role("slider").first.fill("0")
    tiles.locator(".label", has_text=re.compile("step 0$")).first.wait_for()
    page.wait_for_function(
        "all => [...document.querySelectorAll('.tile img')].filter(one => one.naturalWidth === 4).length > 20"
    )
    page.wait_for_url("**at=0**")  # whoever has the link sees the same
    grid.evaluate("one => one.scrollLeft = one.scrollWidth")
    last = tiles.locator(".label", has_text=re.compile("step 390$"))
    last.first.wait_for()
    assert tiles.locator(".label", has_text=re.compile("step 0$")).count() == 0
    last.first.click()
    dialog = page.get_by_role("dialog")
    picture = dialog.get_by_role("img", name="seen")
    expect(dialog).to_contain_text("40 of 40")
    page.keyboard.press("ArrowLeft")
    expect(dialog).to_contain_text("39 of 40")
    shades = set()
    for key in ("ArrowDown", "ArrowDown"):
        page.wait_for_function("one => one.complete && one.naturalWidth > 0", arg=picture.element_handle())  # fmt: skip
        shades.add(picture.evaluate(_PIXELS)[0])
        page.keyboard.press(key)
        expect(dialog).to_contain_text("39 of 40")
    assert len(shades) == 2


def test_the_slider_runs_along_a_metric(lab, seen, opened):
    project, _ = seen
    page = opened(lab, f"?in={project}&tab=media")
    slider = page.get_by_role("slider").first
    page.get_by_label("What the slider runs along").select_option("epoch")
    expect(slider).to_have_attribute("aria-valuetext", "epoch 3.9")
    slider.fill("7")
    expect(slider).to_have_attribute("aria-valuetext", "epoch 0.7")
    shown = page.get_by_role("region", name="seen").locator("figure")
    shown.first.get_by_text("step 70", exact=True).wait_for()
    shown.first.get_by_text("at 0.7", exact=True).wait_for()


def test_pictures_are_held_against_those_of_another_experiment(lab, seen, opened):
    project, ids = seen
    page = opened(lab, f"?in={project}&tab=media&at=100")
    page.get_by_role("checkbox", name="compare").check()
    page.get_by_label("What pictures are held against").select_option(ids[3])
    page.get_by_role("combobox", name="How pictures are compared").select_option("difference")
    figure = page.get_by_role("region", name="seen").locator("figure", has_text="e01")
    figure.get_by_text("100 % of the pixels differ, by at most 20 of 255").wait_for()
    difference = figure.get_by_role("img", name="Difference of seen and seen e03")
    assert difference.evaluate(_PIXELS)[:4] == [20, 20, 20, 255]
    page.get_by_label("brighter").select_option(label="× 4")
    page.wait_for_function(
        "one => one.getContext('2d').getImageData(0, 0, 1, 1).data[0] === 80", arg=difference.element_handle()
    )  # fmt: skip


def _marked(lab: Shown, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture with what is marked in it, by each way in which it can be recorded."""
    mask = np.repeat(np.array([[0, 1, 2, 2]], np.uint8), 4, axis=0)
    names = {1: "road", 2: "sky"}
    picture = np.full((4, 4, 3), 255, np.uint8)
    box = {"class": "cat", "box": (1, 1, 3, 3), "score": 0.9}
    with Experiment(f"{project}/ours", root=str(lab.root), quiet=True, system_metrics=0) as exp:
        exp.log_value("scene", Image(picture, boxes=[box]), step=1)
        exp.log_value("scene/masks/truth", Image(mask, classes=names), step=1)
    monkeypatch.setenv("ANEW_ROOT", str(lab.root))
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    edges = {"minX": 0.25, "minY": 0.25, "maxX": 0.75, "maxY": 0.75}
    theirs = wandb.Image(
        picture,
        boxes={"predictions": {"box_data": [{"position": edges, "class_id": 7}], "class_labels": {7: "cat"}}},
        masks={"truth": {"mask_data": mask, "class_labels": names}},
    )  # fmt: skip
    with wandb.init(project=project, name="theirs") as run:
        run.log({"scene": theirs})
    wandb.teardown()


def test_boxes_and_masks_are_switched_by_class(lab, opened, monkeypatch: pytest.MonkeyPatch):
    _marked(lab, "marked", monkeypatch)
    page = opened(lab, "?q=prefix+%3D~+%27marked/%27&tab=media")
    scenes = page.get_by_role("region", name="scene", exact=True).locator("figure")
    scenes.nth(1).wait_for()
    boxes, masks = scenes.locator("rect"), scenes.locator("canvas[data-classes='3']")
    masks.nth(1).wait_for()
    assert (
        page.get_by_role("heading", name="masks").count() == 0
    )  # they are seen over what they are of
    classes = page.get_by_role("list", name="Classes").get_by_role("checkbox")
    assert classes.evaluate_all("all => all.map(one => one.parentElement.textContent.trim())") == ["cat", "road", "sky"]  # fmt: skip
    assert boxes.evaluate_all("all => all.map(one => ['x', 'y', 'width', 'height'].map(name => one.getAttribute(name)).join())") == 2 * ["0.25,0.25,0.5,0.5"]  # fmt: skip
    for one in masks.all():
        row = np.array(one.evaluate(_PIXELS)).reshape(4, 4, 4)[0]
        assert row[:, 3].tolist() == [0, 128, 128, 128]
        assert (row[2] == row[3]).all()
        assert (row[1] != row[2]).any()
    page.get_by_role("checkbox", name="road").uncheck()
    page.get_by_role("checkbox", name="cat").uncheck()
    assert boxes.count() == 0
    for one in masks.all():
        assert np.array(one.evaluate(_PIXELS)).reshape(4, 4, 4)[0, :, 3].tolist() == [
            0,
            0,
            128,
            128,
        ]


def test_a_waveform_is_made_of_every_sample(lab, heard, opened):
    page = opened(lab, f"?in={heard}&tab=media")
    waves = page.get_by_role("img", name="Waveform of click")
    page.locator("svg[data-stretches='600']").nth(1).wait_for()
    for wave in waves.all():
        # One sample of eight thousand, at three quarters of the sound.
        parts = re.findall(r"M(\d+) (-?[\d.]+)h", wave.locator("path").get_attribute("d"))
        loud = [int(at) for at, top in parts if float(top) < -0.9]
        assert len(parts) == 600
        assert loud == [450]
    wave = waves.first
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] / 2, "y": 10})
    page.wait_for_function("Math.abs(document.querySelector('audio').currentTime - 0.5) < 0.05")


def test_videos_are_sought_and_played_together_frame_by_frame(lab, heard, opened):
    page = opened(lab, f"?in={heard}&tab=media")
    films = page.get_by_role("img", name="film")
    both = "wanted => [...document.querySelectorAll('canvas[data-frame]')].map(one => one.dataset.frame).join() === wanted"
    page.wait_for_function(both, arg="0,0")
    following = page.get_by_role("button", name="The next frame")
    for at in (1, 2):
        following.click()
        page.wait_for_function(both, arg=f"{at},{at}")
        assert sorted(one.evaluate(_PIXELS)[0] for one in films.all()) == [FRAMES[at], FRAMES[at] + 1]  # fmt: skip
    page.get_by_role("slider", name="Time of all videos").fill("0.45")
    page.wait_for_function(both, arg="4,4")
    page.get_by_role("button", name="Play videos").click()
    page.wait_for_function(both, arg="1,1")  # it begins again after the end
    page.get_by_role("button", name="Pause videos").click()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["video/webm;codecs=vp8", "video/mp4;codecs=avc1.42001f"])
def test_files_of_videos_are_sought_together(lab, opened, form):
    """Files as the browser records them: the WebM file does not say how long it is."""
    page = opened(lab, "?tab=media")
    if not page.evaluate("type => MediaRecorder.isTypeSupported(type)", form):
        pytest.skip(f"this browser does not record {form}")
    film = base64.b64decode(page.evaluate(_RECORDED, form))
    kind = form[6:].partition(";")[0]
    project = f"lab/media/{kind}"
    for name in "ab":
        with Experiment(
            f"{project}/{name}", root=str(lab.root), quiet=True, system_metrics=0
        ) as exp:
            exp.log_value("film", Video(film), step=1)
    page = opened(lab, f"?in={project}&tab=media")
    slider = page.get_by_role("slider", name="Time of all videos")
    expect(slider).not_to_have_attribute("max", "0")

    def shades(at: float) -> list[int]:
        seen: list[int] = page.wait_for_function(_FILMED, arg=at).json_value()
        return seen

    length = float(slider.get_attribute("max"))
    assert 0.5 < length < 500
    walked = [shades(0)]
    for at in range(1, 4):
        page.get_by_role("button", name="The next frame").click()
        walked.append(shades(at / 30))
    for share in np.linspace(0.1, 1, 19):  # some pictures stay for longer than others
        slider.fill(str(share * length))
        walked.append(shades(float(slider.input_value())))
    assert all(one == other for one, other in walked), walked
    first = [one for one, _ in walked]
    assert first == sorted(first)
    assert (first[0] < 20, first[-1] > 180, len(set(first)) > 3) == (True, True, True), first
    page.get_by_role("button", name="Play videos").click()
    page.wait_for_function("() => [...document.querySelectorAll('video')].every(one => !one.paused && one.currentTime > 0.05)")  # fmt: skip
    page.get_by_role("button", name="Pause videos").click()
    page.wait_for_function("() => [...document.querySelectorAll('video')].every(one => one.paused)")
