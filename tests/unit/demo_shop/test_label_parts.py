"""The label reader's own decisions: boxes out of a map, characters out of columns, banned words."""

import json
from collections.abc import Sequence

import pytest

from demo_h5.build import DEMO
from demo_h5.tasks.ocr.boxes import MEAN_FROM, TEXT_FROM, Box, boxes_of, in_reading_order
from demo_h5.tasks.ocr.compliance import Finding, findings_of
from demo_h5.tasks.ocr.ctc import glyphs_of

SIDE = 40
RULES = json.loads((DEMO / "tasks" / "ocr" / "banned-words.json").read_text(encoding="utf-8"))


def text_map(*boxes: tuple[int, int, int, int], value: int = 255) -> bytes:
    rows = [bytearray(SIDE) for _ in range(SIDE)]
    for left, top, right, bottom in boxes:
        for row in rows[top:bottom]:
            row[left:right] = bytes([value]) * (right - left)
    return b"".join(rows)


def test_a_box_grows_by_its_area_over_its_perimeter() -> None:
    # 20 x 5 pixels: 100 * 1.8 / 50 is 3.6.
    assert boxes_of(text_map((10, 10, 30, 15)), SIDE) == [Box(6, 6, 34, 19)]


def test_a_box_stays_inside_the_map() -> None:
    assert boxes_of(text_map((0, 36, 40, 40)), SIDE) == [Box(0, 33, 40, 40)]


def test_branches_that_meet_further_down_are_one_box() -> None:
    u_shape = text_map((5, 5, 8, 20), (20, 5, 23, 20), (5, 20, 23, 23))

    assert len(boxes_of(u_shape, SIDE)) == 1


def test_pixels_that_touch_at_a_corner_are_one_box() -> None:
    assert len(boxes_of(text_map((5, 5, 10, 10), (10, 10, 15, 15)), SIDE)) == 1
    assert len(boxes_of(text_map((5, 5, 10, 10), (11, 11, 16, 16)), SIDE)) == 2


def test_lines_one_above_the_other_are_two_boxes() -> None:
    assert len(boxes_of(text_map((5, 5, 30, 9), (5, 10, 30, 14)), SIDE)) == 2


def test_the_right_edge_of_a_row_does_not_touch_the_left_edge_of_the_next() -> None:
    assert len(boxes_of(text_map((36, 5, 40, 10), (0, 10, 4, 15)), SIDE)) == 2


def test_thin_lines_and_faint_spots_are_no_text() -> None:
    assert boxes_of(text_map((5, 5, 35, 7)), SIDE) == []
    assert boxes_of(text_map((5, 5, 35, 15), value=TEXT_FROM - 1), SIDE) == []
    assert boxes_of(text_map((5, 5, 35, 15), value=MEAN_FROM - 1), SIDE) == []
    assert len(boxes_of(text_map((5, 5, 35, 15), value=MEAN_FROM), SIDE)) == 1


def test_reading_goes_down_the_rows_and_along_each() -> None:
    first, second, third = Box(0, 2, 10, 12), Box(20, 0, 30, 10), Box(0, 14, 30, 24)

    assert in_reading_order([third, second, first]) == [first, second, third]


@pytest.mark.parametrize(
    ("columns", "text"),
    [([0, 1, 1, 0, 2, 0], "ab"), ([1, 0, 1], "aa"), ([1, 1, 1], "a"), ([2, 1], "ba"), ([0], "")],
)
def test_neighbours_are_one_character_unless_none_is_between(
    columns: Sequence[int], text: str
) -> None:
    glyphs = glyphs_of(columns, [0.9] * len(columns), "ab")

    assert "".join(glyph.character for glyph in glyphs) == text


def test_a_glyph_knows_its_first_column_and_its_probability() -> None:
    (glyph,) = glyphs_of([0, 1, 1], [0.1, 0.8, 0.9], "ab")

    assert glyph == ("a", 0.8, 1)


def words(found: Sequence[Finding]) -> list[tuple[str, int, int]]:
    return [(each["word"], each["start"], each["end"]) for each in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("国家级品质", [("国家级", 0, 3)]),
        ("全国第一品牌", [("全国第一品牌", 0, 6)]),
        ("国 家-级 最佳", [("国家级", 0, 5), ("最佳", 6, 8)]),
        ("１００％有效", [("100%有效", 0, 6)]),
        ("最佳食用期：七天", []),
        ("最佳，最佳赏味期七天", [("最佳", 0, 2)]),
        ("国家标准", []),
        ("", []),
    ],
)
def test_banned_words_are_found_where_they_stand(
    text: str, expected: list[tuple[str, int, int]]
) -> None:
    assert words(findings_of(text, RULES)) == expected


def test_every_rule_has_words_and_says_why_in_both_languages() -> None:
    for rule in RULES:
        assert rule["words"] and "《广告法》" in rule["reasonZh"] and "Law" in rule["reason"]
        for word in rule["words"]:
            assert words(findings_of(word, RULES)) == [(word, 0, len(word))]
        for allowed in rule["allowed"]:
            assert findings_of(allowed, RULES) == []
