"""docs/performance.md shows the figures that were kept."""

from benchmarks.performance_page import PAGE, PICTURE, draw, page, ratios


def test_the_page_is_what_the_results_say():
    assert PAGE.read_text() == page(), "run python -m benchmarks.performance_page"


def test_its_picture_is_there_and_can_be_drawn(tmp_path):
    assert PICTURE.exists() and PICTURE.name in PAGE.read_text()
    draw(ratios(), tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").stat().st_size > 10_000
