"""Lists that a user made: what they may look like; a slip is refused with its line, not read as something else."""

import contextlib
import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers.errors import ListError
from fer_helpers.lists import once, read_labels, read_list, refuse


@pytest.fixture
def read(tmp_path):
    def load(text, needed=("path",), optional=("label", "clip_id")):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_list(path, needed, optional)

    return load


def rows(table):
    return [(line, *cells) for line, *cells in table.itertuples(name=None)]


@pytest.mark.parametrize(
    "text",
    [
        "path,label\na,sad\nb,\n",
        "\ufeffpath,label\r\na,sad\r\nb,\r\n",
        " Path , LABEL\na, sad\nb,",
        'path,label\n"a","sad"\n"b",""\n',
        "path;label\na;sad\nb;\n",
        "path\tlabel\na\tsad\nb\t\n",
        "path,label,,\na,sad,,\nb,,,\n",
        "path,label\na,sad,,\nb,,\n",  # a spreadsheet's empty cells, with and without a header over them
        "path,label\ra,sad\rb,\r",
        'path label\na  sad\nb ""\n',
        "PATH,La bel\na,sad\nb,\n",
        "path,label\na,sad\nb,\n".encode("utf-16"),
        "\ufeffpath\tlabel\r\na\tsad\r\nb\t\r\n".encode("utf-16-be"),
    ],
)
def test_one_list_in_the_shapes_that_programs_give_it(read, text):
    table = read(text)
    assert list(table.columns) == ["path", "label"]
    assert rows(table) == [(2, "a", "sad"), (3, "b", "")]


def test_line_numbers_are_the_files_though_empty_lines_are_passed_over(read):
    assert rows(read("\npath,label\n\na,sad\n , \nb,x\n")) == [(4, "a", "sad"), (6, "b", "x")]


def test_values_are_text_and_never_guessed(read):
    assert rows(read('path,label\n007,NA\n1e3,"a, ""b"""\nNone,0\n')) == [
        (2, "007", "NA"), (3, "1e3", 'a, "b"'), (4, "None", "0"),
    ]  # fmt: skip


def test_columns_nobody_asked_for_are_kept_under_their_names(read):
    assert list(read("path,A Remark\na,x\n").columns) == ["path", "a_remark"]


@pytest.mark.parametrize("text", [",path\n0,a\n1,b\n", "Unnamed: 0,path\n4,a\n9,b\n"])
def test_what_pandas_wrote_to_count_the_rows_is_left_out_and_said(read, text):
    with pytest.warns(UserWarning, match=r"list\.csv: column 1, numbers without a name"):
        table = read(text)
    assert rows(table) == [(2, "a"), (3, "b")]


def test_a_quote_within_a_cell_is_a_letter(read):
    assert rows(read('path,label\n5" clip.mp4,sad\n')) == [(2, '5" clip.mp4', "sad")]


def test_spaces_in_cells_do_not_part_them_where_something_else_does(read):
    assert rows(read("path;label\nmy clip, the first.mp4;sad\n")) == [(2, "my clip, the first.mp4", "sad")]


def test_rows_that_repeat_count_once_those_that_contradict_are_refused(read, tmp_path):
    table = read("path,label\na,sad\na,sad\nb,\na,sad\n")
    with pytest.warns(UserWarning, match=r"2 row\(s\) repeat another and count once \(first: line 3\)"):
        assert rows(once(tmp_path, table, ["path"], "two", "one")) == [(2, "a", "sad"), (4, "b", "")]
    with pytest.raises(ListError, match=r"two in 2 row\(s\) \(line 2 'a', line 3 'a'\); one"):
        once(tmp_path, read("path,label\na,sad\na,fear\na,fear\n").drop(4), ["path"], "two", "one")


@pytest.mark.parametrize(
    ("word", "other_labels", "label"),
    [
        ("Happiness", "drop", "happy"),
        ("Contempt", "drop", "contempt"),
        ("Contempt", {"contempt": "disgust"}, "disgust"),
        ("Non-Face", "keep", "non-face"),
        ("flow", {"Flow": "happy"}, "happy"),
        ("", "drop", ""),
    ],
)
def test_one_rule_for_the_words_of_every_list(tmp_path, word, other_labels, label):
    assert read_labels(tmp_path, pd.Series([word], [2]), other_labels).tolist() == [label]


@pytest.mark.parametrize(
    ("word", "near"), [("hapy", "is 'happy' meant? "), ("contemt", "is 'contempt' meant? "), ("3", "")]
)
def test_a_word_that_is_no_emotions_is_refused_with_the_one_it_is_near(tmp_path, word, near):
    with pytest.raises(ListError) as caught:
        read_labels(tmp_path, pd.Series(["sad", word], [2, 3]), "drop")
    assert f"unknown label in 1 row(s) (line 3 '{word}'); {near}use angry" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 has no column path (found nothing); name the columns in the first line, separated by commas"),
        ("file|label\na|sad\n", "line 1 has no column path (found 'file|label'); name the columns in the first line, "
         "separated by commas"),
        ("paht,label\na,sad\n", "line 1 has no column path (found 'paht', 'label'); is 'paht' meant?"),
        ("path,lable\na,sad\n", "line 1 has a column 'lable'; is label meant? Correct or delete it"),
        ("path,label,Label \na,sad,sad\n", "line 1 names label 2 times; keep one"),
        ("path,labels\na,sad\n", "line 1 has a column 'labels'; is label meant? Correct or delete it"),
        ("path,Emotion\na,sad\n", "line 1 has a column 'emotion'; is label meant? Correct or delete it"),
        ("path,True Label\na,sad\n", "line 1 has a column 'true_label'; is label meant? Correct or delete it"),
        ("path,x,X\na,1,2\n", "line 1 names x 2 times; keep one"),
        ("path,label,\na,sad,\nb,sad,oops\n", "column 3 has no name, but cells in 1 row(s) (line 3 'oops'); name or "
         "delete it"),
        ("path,label\na,s\0d\n", "line 2 has a zero byte; save it as CSV UTF-8"),
        ('path,label\na,"sad\nb,happy\nc,sad\n', "line 2: a quote is opened and never closed; correct its quotes"),
        ("path,label\n", "no row below its first line; add one for each clip"),
        ("path,label\na,sad\nb,so, sad\n", "line 3 has 3 cells and the first line 2 columns; give each column a cell, "
         "and put quotes around a cell that holds the separator"),
        ("path,label\na,sad\nb\n", "line 3 has 1 cells and the first line 2 columns; give each column a cell, and put "
         "quotes around a cell that holds the separator"),
        ('path,label\na,sad\nb,"x\nc,sad\n', "line 3: a quote is opened and never closed; correct its quotes"),
        ('path,label\na,sad\nb,"x\nc,y"\nd,z\n', "line 3: a quoted cell goes on over the end of the line; correct its "
         "quotes"),
        ('path,label\na,"sa"d\n', "line 2: ',' expected after '\"'; correct its quotes"),
        ("path,label\na,sad\nb,caf\xe9\n".encode("latin-1"), "line 3 is not UTF-8; save it as CSV UTF-8"),
    ],
)  # fmt: skip
def test_a_slip_is_refused_with_its_line(read, tmp_path, text, message):
    with pytest.raises(ListError) as caught:
        read(text)
    assert str(caught.value).removeprefix(str(tmp_path / "list.csv")).lstrip(": ") == message


def test_a_list_that_is_not_there_is_told_from_one_that_cannot_be_read(tmp_path):
    with pytest.raises(ListError, match=r"none\.csv does not exist; correct its path"):
        read_list(tmp_path / "none.csv", ["path"])
    with pytest.raises(ListError, match="cannot be read: Is a directory; give a CSV file"):
        read_list(tmp_path, ["path"])


def test_the_first_offenders_are_named_and_all_are_counted(read, tmp_path):
    table = read("path\n1\n2\n\n3\n4\n" + "x" * 99 + "\n")
    with pytest.raises(ListError) as caught:
        refuse(tmp_path / "l", table["path"], table["path"] != "1", "bad path", "mend it")
    assert str(caught.value).endswith("l: bad path in 4 row(s) (line 3 '2', line 5 '3', line 6 '4', ...); mend it")
    refuse(tmp_path / "l", table["path"], table["path"] == "5", "bad path", "mend it")


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=8).map(str.strip)


@given(st.lists(st.tuples(CELL.filter(bool), CELL), min_size=1, max_size=8), st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_wrote_is_read_back(tmp_path_factory, written, delimiter):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([("path", "label"), *written])
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text(file.getvalue(), encoding="utf-8", newline="")
    assert rows(read_list(path, ["path", "label"])) == [(n, *cells) for n, cells in enumerate(written, 2)]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(b"path,label\n" + data)
    with contextlib.suppress(ListError):
        assert len(read_list(path, ["path"]))
