"""What an evaluation prints beside the previous export."""

from voice.evaluate import comparison, word_errors


def test_figures_stand_beside_those_of_the_previous_export() -> None:
    lines = comparison({"step": 5650, "wordErrorRate": 0.21, "new": 1.0}, {"step": 4250, "wordErrorRate": 0.3})

    assert [line.split() for line in lines.splitlines()] == [
        ["now", "previous"],
        ["step", "5650", "4250"],
        ["wordErrorRate", "0.21", "0.3"],
        ["new", "1.0", "-"],
    ]


def test_without_a_previous_export_there_is_one_column() -> None:
    assert comparison({"step": 5650}, {}).split() == ["step", "5650"]


def test_words_that_are_left_out_added_or_replaced_count_once_each() -> None:
    assert word_errors(["the", "cat", "sat", "down"], ["a", "cat", "sat", "down", "now"]) == 2
    assert word_errors(["the", "cat", "sat"], []) == 3
