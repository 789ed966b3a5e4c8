"""CSV and TSV: separators, headers, quotes, gaps, and no silent repair."""

import gzip

import numpy as np
import polars as pl
import pytest

from pellucid.data.delimited import find_separator, read_delimited
from pellucid.errors import DataError


@pytest.fixture
def read(tmp_path):
    def reader(text, *, gzipped=False, **options):
        path = tmp_path / "t.csv"
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(data, mtime=0) if gzipped else data)
        return read_delimited(path, "t.csv", gzipped=gzipped, **options)

    return reader


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a,b\n1,2\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}),
        ("a,b\r\n1,2\r\n", {"a": ["1"], "b": ["2"]}),
        ("a\tb\n1\tx\n", {"a": ["1"], "b": ["x"]}),
        ("a|b\n1|x\n", {"a": ["1"], "b": ["x"]}),
        ("a;b\n1,5;x,y\n-3;z\n", {"a": ["1.5", "-3"], "b": ["x,y", "z"]}),
        ("\ufeffa,b\n1,2\n", {"a": ["1"], "b": ["2"]}),
        ('"a,b","c\nd\ne"\n1,2\n', {"a,b": ["1"], "c\nd\ne": ["2"]}),
        ('a,b\n"x ""y""",2\n', {"a": ['x "y"'], "b": ["2"]}),
        ("名前,Ｐｒｉｃｅ\n太郎,１２\n", {"名前": ["太郎"], "Ｐｒｉｃｅ": ["１２"]}),
        ("a, b\n1, 2\n3, NA\n", {"a": ["1", "3"], "b": [" 2", " NA"]}),
        ("a,b\nNA,1\n2,\n?,4\n5,nan\n", {"a": ["NA", "2", "?", "5"], "b": ["1", None, "4", "nan"]}),
        ("name\nx\ny\n", {"name": ["x", "y"]}),
        (",a\n0,5\n1,6\n", {"a": ["5", "6"]}),  # pandas' index
        ("5.1,setosa\n4,other\n", {"column 1": ["5.1", "4"], "column 2": ["setosa", "other"]}),
        ("0,1,y\n5,6,7\n", {"0": ["5"], "1": ["6"], "y": ["7"]}),
    ],
)
def test_tables_are_read(read, text, columns):
    assert read(text).frame.to_dict(as_series=False) == columns


def test_gzip(read):
    assert read("a,b\n1,2\n", gzipped=True).frame.to_dict(as_series=False) == {"a": ["1"], "b": ["2"]}


def test_empty_rows_are_left_out_and_the_others_keep_their_numbers(read):
    got = read("a,b\n1,2\n\n3,4\n,\n5,6\n")
    assert got.frame["a"].to_list() == ["1", "3", "5"]
    assert got.rows.tolist() == [0, 2, 4]
    assert "left out 2 empty rows" in got.notes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv: expected a header and rows, got an empty file or line. Start with the column names."),
        ("\n\n", "t.csv: expected a header and rows, got an empty file or line. Start with the column names."),
        ("a,,b\n1,2,3\n", "t.csv, column 2: expected a name in the header, got ''."),
        (",a\n7,5\n1,6\n", "t.csv, column 1: expected a name in the header, got ''."),
        (
            "a,b,a\n1,2,3\n",
            "t.csv, column 3: expected each column name once, got 'a' in columns 1 and 3. Rename one of them.",
        ),
        (
            "a,b,c\n1,2,3\n4,5\n",
            "t.csv, row 2 below the header: expected 3 fields, got 2. "
            "Put fields that hold ',' in quotes, and leave gaps empty.",
        ),
        ("a,b\n1,2\n\n3,4,5\n", "t.csv, row 3 below the header: expected 2 fields, got 3. "),
        ("5,6\n1,2\n3,4,5\n", "t.csv, row 3: expected 2 fields, got 3. "),
        ('a,b\n1,"2\n3,4\n', "t.csv, row 1 below the header: expected fields in matching quotes"),
        ("a,b\r1,2\r", "t.csv: expected lines that end in a line feed, got carriage returns alone. Save it again."),
        ("a,b\né,1\n".encode("latin-1"), "t.csv: expected text in UTF-8, got byte 0xe9 in line 2. Save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv: expected text in UTF-8, got UTF-16. Save it as UTF-8"),
    ],
)
def test_what_is_wrong_is_said(read, text, message):
    with pytest.raises(DataError) as error:
        read(text)
    assert str(error.value).startswith(message)


def test_a_late_byte_that_is_not_utf8_is_found(read):
    with pytest.raises(DataError, match=r"byte 0xff in line 20002\."):
        read(b"a,b\n" + b"1,2\n" * 20_000 + b"\xff,2\n")


def test_a_row_too_long_deep_in_the_file(read):
    with pytest.raises(DataError, match=r"row 5001 below the header: expected 2 fields, got 3"):
        read("a,b\n" + "1,2\n" * 5000 + "1,2,3\n")


def test_a_gap_in_the_last_column_is_no_short_row(read):
    assert read("a,b\n1,2\n3,\n").frame["b"].to_list() == ["2", None]


def test_what_polars_writes_is_read_back(tmp_path):
    frame = pl.DataFrame({"x, y": [1.5, -2e-9], 'q"uote': ["a\nb", "c,d"], "z": [True, False]})
    frame.write_csv(tmp_path / "w.csv")
    got = read_delimited(tmp_path / "w.csv", "w.csv").frame
    assert got.columns == frame.columns and got["x, y"].cast(pl.Float64).equals(frame["x, y"])
    assert got['q"uote'].equals(frame['q"uote']) and got["z"].to_list() == ["true", "false"]


HEADERS = {
    "words": ("a,b\n1,2\n", True),
    "words over words": ("town,kind\nbonn,x\nköln,y\n", True),
    "wavelengths": ("400.5,401.5,species\n0.1,0.2,setosa\n0.3,0.2,other\n", True),
    "years": ("region,2019,2020\nnorth,1.5,2\nsouth,3,4\n", True),
    "counted pixels": ("label,0,1,2,3\n7,0,0,0,1\n2,0,0,1,0\n", True),
    "counted columns": ("0,1,2\n1.5,2.5,2\n3,1,4\n", True),
    "a number beside a word over numbers": ("17.5,age\na,30\nb,40\n", True),
    "numbers": ("1.5,2.5\n3,4\n", False),
    "numbers and a class": ("5.1,3.5,setosa\n4.9,3.0,setosa\n6.1,2.9,virginica\n", False),
    "whole numbers that count by chance": ("1,2,x\n5,1,y\n7,3,x\n", False),
    "words that come again": ("sunny,hot,no\nrain,hot,yes\nsunny,mild,no\nrain,mild,yes\nsunny,hot,yes\n", False),
    "the same number twice": ("0,0,a\n1,0,b\n2,1,b\n", False),
}


@pytest.mark.parametrize(("text", "expected"), HEADERS.values(), ids=HEADERS)
def test_header_or_data(read, text, expected):
    got = read(text)
    first = text.splitlines()[0].split(",")
    assert (got.frame.columns == first) == expected
    assert len(got.frame) == len(text.splitlines()) - expected
    assert len(read(text, header=False).frame) == len(text.splitlines())


def test_a_name_that_is_asked_for_makes_a_header(read):
    text = "3.5,1.25,0.5\n1,2,3\n4,5,6\n"
    assert len(read(text).frame) == 3
    got = read(text, names={"1.25"})
    assert got.frame.columns == ["3.5", "1.25", "0.5"]
    assert "the first row is taken as the header (if that is wrong: header=False, --header no)" in got.notes


def test_a_header_that_comes_again_is_refused(read):
    with pytest.raises(DataError, match=r"row 3 below the header: expected values, got the header again"):
        read("a,b\n1,x\n2,y\na,b\n3,z\n")


def test_the_separator_is_a_comma_where_none_stands():
    assert find_separator("a b c") == ","


def test_numbers_keep_every_digit(read):
    values = np.random.default_rng(0).standard_normal(200) * 10.0 ** np.arange(-100, 100)
    got = read("v,w\n" + "".join(f"{v!r},1\n" for v in values.tolist())).frame["v"].cast(pl.Float64).to_numpy()
    assert (got == values).all()
