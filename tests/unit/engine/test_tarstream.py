"""Tar archives from every hand: what was written comes out, and what was forged is refused."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tracemalloc
from typing import TYPE_CHECKING, Literal

import pytest
from archive_files import chunks, info, tar, tar_of
from hypothesis import given
from hypothesis import strategies as st

from builder.core.errors import BadImageArchiveError
from builder.engine.tarstream import MAX_HEADER_BYTES, MAX_PATH, TarStream, normalize_entry_path

if TYPE_CHECKING:
    from collections.abc import Iterator

Found = list[tuple[str, bytes, int, bytes]]
FORMATS: tuple[Literal[1], Literal[2]] = (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def read(data: bytes) -> Found:
    """Name, type, size and bytes of each entry."""
    stream = TarStream(chunks(data, 700))
    return [
        (member.name, member.type, member.size, b"".join(stream.iterate_data(member)) if member.isfile() else b"")
        for member in stream
    ]


def names(data: bytes) -> list[str]:
    """Without reading any bytes of files."""
    return [member.name for member in TarStream(chunks(data, 700))]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../../etc/passwd", "/etc/passwd"),
        ("a/../../../b", "/b"),
        ("/usr//bin/./gcc", "/usr/bin/gcc"),
        ("//net/share", "/net/share"),
        ("a\nb\x1b[31m", "/a\\nb\\x1b[31m"),
        ("a/\u2028b", "/a/\\u2028b"),
        ("a\udcffb", "/a\\udcffb"),
        ("ü", "/ü"),
        ("", "/"),
        (".", "/"),
        ("..", "/"),
    ],
)
def test_hostile_names_neither_leave_the_root_nor_break_a_line(name: str, path: str) -> None:
    assert normalize_entry_path(name) == path


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=150)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])


@given(
    st.lists(st.tuples(NAMES, KINDS, st.binary(max_size=1500)), max_size=8),
    st.sampled_from(FORMATS),
)
def test_what_tarfile_writes_comes_out(entries: list[tuple[str, bytes, bytes]], form: Literal[1, 2]) -> None:
    written, expected = [], []
    for name, kind, data in entries:
        bytes_of_it = data if kind == tarfile.REGTYPE else b""
        written.append((info(name, kind, size=len(bytes_of_it), linkname="there"), bytes_of_it))
        expected.append((normalize_entry_path(name), kind, len(bytes_of_it), bytes_of_it))
    found = [(normalize_entry_path(name), *rest) for name, *rest in read(tar_of(written, form=form))]
    regular = (tarfile.REGTYPE, tarfile.DIRTYPE)  # a file whose name ends with a slash is a folder, to every reader
    assert [one for one in found if one[1] not in regular] == [one for one in expected if one[1] not in regular]
    assert [one[0] for one in found] == [one[0] for one in expected]


SAMPLE = tar_of(
    [
        (info("folder", tarfile.DIRTYPE), b""),
        (info("folder/file", size=700), b"x" * 700),
        (info("long" * 60, size=10), b"0123456789"),
        (info("ü" * 60, tarfile.SYMTYPE, linkname="y" * 120), b""),
        (info("hard", tarfile.LNKTYPE, linkname="folder/file"), b""),
    ]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good archive with some bytes changed, some headers changed and signed again, cut or made longer."""
    sample = tar_of(
        [(info("f" * draw(st.sampled_from([5, 120])), size=700), b"x" * 700)], form=draw(st.sampled_from(FORMATS))
    )
    data = bytearray(draw(st.sampled_from([SAMPLE, sample])))
    for at, value in draw(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), max_size=4)):
        data[at] = value
    for block, field, text in draw(
        st.lists(
            st.tuples(
                st.integers(0, len(data) // 512 - 1),
                st.sampled_from([(100, 8), (108, 8), (124, 12), (156, 1), (257, 8), (345, 40), (386, 24), (482, 13)]),
                st.one_of(
                    st.binary(max_size=40),
                    st.sampled_from(
                        [b"x", b"g", b"L", b"K", b"S", b"-1", b"\xff" * 12, b"\x80" + b"\xff" * 11, b"7" * 12]
                    ),
                ),
            ),
            max_size=3,
        )
    ):
        start = block * 512
        data[start + field[0] : start + field[0] + field[1]] = text[: field[1]].ljust(field[1], b"\0")
        header = data[start : start + 512]
        data[start + 148 : start + 156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 256)
    end = draw(st.one_of(st.none(), st.integers(0, len(data))))
    return bytes(data[:end]) + draw(st.binary(max_size=600))


@given(damaged())
def test_a_damaged_archive_is_read_or_refused(data: bytes) -> None:
    for look in (read, names):
        try:
            found = look(data)
        except BadImageArchiveError:
            continue
        assert len(found) <= len(data) // 512


def beginnings(data: bytes) -> list[int]:
    """Where each entry begins, those of its long name included, by Python's own reader of whole files."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return [member.offset for member in archive.getmembers()]


def test_an_archive_that_ends_between_two_entries_is_accepted() -> None:
    starts = beginnings(SAMPLE)
    assert len(starts) == 5
    assert [read(SAMPLE[:end]) for end in starts] == [read(SAMPLE)[:number] for number in range(5)]


ENDS = range(1, len(SAMPLE.rstrip(b"\0")) // 512 * 512 + 512)
"""Behind the last of them only the zeros that end an archive are left."""


@pytest.mark.parametrize(
    "end",
    sorted(
        {*ENDS[::97], *(at + near for at in range(0, ENDS.stop, 512) for near in (-1, 0, 1) if at + near in ENDS)}
        - {*beginnings(SAMPLE)}
    ),
)
def test_an_archive_that_ends_within_an_entry_is_refused(end: int) -> None:
    with pytest.raises(BadImageArchiveError):
        read(SAMPLE[:end])


def signed(header: bytes) -> bytes:
    return header[:148] + b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 256) + header[156:]


def header(name: bytes = b"f", *, size: bytes = b"0", kind: bytes = b"0", rest: bytes = b"") -> bytes:
    made = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size.rjust(11, b"0") + b"\0" + b"0" * 11 + b"\0"
    made += bytes(8) + kind + bytes(100) + b"ustar\x0000" + rest.rjust(0)
    return signed(made.ljust(512, b"\0"))


def pax(records: bytes, kind: bytes = b"x") -> bytes:
    return header(size=b"%o" % len(records), kind=kind) + records + bytes(-len(records) % 512)


def record(key: bytes, value: bytes) -> bytes:
    size = len(key) + len(value) + 3
    while size != len(b"%d" % size) + len(key) + len(value) + 3:
        size = len(b"%d" % size) + len(key) + len(value) + 3
    return b"%d %s=%s\n" % (size, key, value)


END = bytes(1024)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(header(size=b"77777777777") + b"x" * 512, "ends early|unexpected end", id="a huge size"),
        pytest.param(signed(header()[:124] + b"\xff" * 12 + header()[136:]) + END, "bytes, says its header", id="-1"),
        pytest.param(
            signed(header()[:124] + b"\xff" * 4 + b"\0" * 8 + header()[136:]) + END, "says its header", id="far back"
        ),
        pytest.param(header(kind=b"L", size=b"77777777777") + END, "takes more than", id="a huge long name"),
        pytest.param(header(kind=b"x", size=b"77777777777") + END, "takes more than", id="a huge pax header"),
        pytest.param(header(kind=b"L", size=b"20000") + b"n" * 8192 + header() + END, "characters", id="a long name"),
        pytest.param(
            header(kind=b"K", size=b"20000") + b"n" * 8192 + header(kind=b"2") + END, "characters", id="a long link"
        ),
        pytest.param(
            (header(kind=b"L", size=b"4") + b"abcd".ljust(512, b"\0")) * 2000 + header() + END,
            "damaged",
            id="a chain of names",
        ),
        pytest.param(
            pax(record(b"path", b"1" * 60_000)) + header() + END, "holds an invalid number", id="a quadratic search"
        ),
        pytest.param(
            pax(record(b"1" * 60_000, b"k")) + header() + END,
            "holds an invalid number",
            id="a quadratic search in a key",
        ),
        pytest.param(pax(b"0 path=x\n") + header() + END, "pax header", id="a record of no length"),
        pytest.param(pax(b"2 " * 50_000 + b"=") + header() + END, "pax header", id="records that overlap"),
        pytest.param(pax(b"99 path=x\n") + header() + END, "pax header", id="a record without an end"),
        pytest.param(
            b"".join(pax(record(b"k%d" % n, b"v" * 60_000), b"g") + header() for n in range(100)) + END,
            "takes more than",
            id="ever more common attributes",
        ),
        pytest.param(
            pax(record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0"))
            + header(size=b"1000")
            + b"9" * 512
            + END,
            "header is damaged",
            id="a sparse map without an end",
        ),
        pytest.param(
            pax(record(b"GNU.sparse.map", b"9,1") + record(b"GNU.sparse.size", b"3")) + header(size=b"1") + END,
            "sparse",
            id="a sparse map behind the end",
        ),
        pytest.param(
            pax(record(b"GNU.sparse.map", b"8,1,2,1") + record(b"GNU.sparse.size", b"9")) + header(size=b"2") + END,
            "sparse",
            id="a sparse map that goes back",
        ),
        pytest.param(
            pax(record(b"GNU.sparse.map", b"0,-5") + record(b"GNU.sparse.size", b"9")) + header(size=b"2") + END,
            "sparse",
            id="a sparse map of less than nothing",
        ),
        pytest.param(
            pax(record(b"GNU.sparse.map", b"0,0") + record(b"GNU.sparse.size", b"%d" % (1 << 62))) + header() + END,
            "sparse",
            id="a sparse file of four exabytes",
        ),
        pytest.param(header() + b"no header" * 100, "header is damaged", id="garbage behind an entry"),
        pytest.param(header() + header()[:200], "header is damaged", id="half a header"),
    ],
)
def test_a_forged_header_is_refused_in_bounded_memory_and_time(data: bytes, words: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BadImageArchiveError, match=words):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 20 * MAX_HEADER_BYTES
    finally:
        tracemalloc.stop()


MOST = MAX_HEADER_BYTES if os.environ.get("OPTBUILD_SOAK") else MAX_HEADER_BYTES // 32
"""Bytes of a header that the next test allows: each number of a map takes three objects, which tracemalloc follows."""


@pytest.mark.parametrize("number", [b"1\n", b"999\n"], ids=["small", "large"])  # Python makes the large one anew
def test_a_sparse_map_does_not_fill_the_memory(number: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.engine.tarstream.MAX_HEADER_BYTES", MOST)
    attributes = pax(record(b"GNU.sparse.major", b"1") + record(b"GNU.sparse.minor", b"0"))
    numbers = b"9999999999\n" + number * (MOST // len(number))
    data = attributes + header(size=b"77777777777") + numbers + END
    tracemalloc.start()
    try:
        with pytest.raises(BadImageArchiveError, match=f"takes more than {MOST} bytes"):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 20 * MOST
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("key", [b"SCHILY.xattr.user.a", b"LIBARCHIVE.creationtime", b"comment"])
def test_an_attribute_that_nobody_reads_may_be_a_long_row_of_digits(key: bytes) -> None:
    records = record(b"path", b"name") + record(key, b"1" * 60_000) + record(b"size", b"3")
    found = read(pax(records) + header(b"short") + b"abc".ljust(512, b"\0") + header(b"next") + END)
    assert [(name, size) for name, _, size, _ in found] == [("name", 3), ("next", 0)]


@pytest.mark.parametrize(
    "sparse",
    [
        pytest.param(
            pax(
                record(b"GNU.sparse.map", b"3,2,7,1")
                + record(b"GNU.sparse.size", b"9")
                + record(b"GNU.sparse.name", b"f")
            )
            + header(size=b"3")
            + b"abc".ljust(512, b"\0"),
            id="pax 0.1",
        ),
        pytest.param(
            pax(
                record(b"GNU.sparse.major", b"1")
                + record(b"GNU.sparse.minor", b"0")
                + record(b"GNU.sparse.name", b"f")
                + record(b"GNU.sparse.realsize", b"9")
            )
            + header(size=b"%o" % 515)
            + b"2\n3\n2\n7\n1\n".ljust(512, b"\0")
            + b"abc".ljust(512, b"\0"),
            id="pax 1.0",
        ),
        pytest.param(
            signed(
                header(size=b"3", kind=b"S")[:257]
                + b"ustar  \0"
                + bytes(121)
                + b"".join(b"%011o\0" % number for number in (3, 2, 7, 1))
                + bytes(48)
                + b"\0"
                + b"%011o\0" % 9
                + bytes(17)
            )
            + b"abc".ljust(512, b"\0"),
            id="GNU",
        ),
    ],
)
def test_a_sparse_file_has_zeros_in_its_holes(sparse: bytes) -> None:
    data = sparse + header(b"next", size=b"1") + b"n".ljust(512, b"\0") + END
    found = read(data)
    assert [(name, size, text) for name, _, size, text in found] == [("f", 9, b"\0\0\0ab\0\0c\0"), ("next", 1, b"n")]
    assert names(data) == ["f", "next"]


def test_names_that_are_no_utf_8_are_told_apart() -> None:
    found = names(header(b"\xff") + header(b"\xfe") + pax(record(b"path", b"\xff\xfe")) + header() + END)
    assert [normalize_entry_path(name) for name in found] == ["/\\udcff", "/\\udcfe", "/\\udcff\\udcfe"]


def test_an_entry_may_come_twice_and_nothing_is_an_archive_too() -> None:
    assert names(header(b"a") + header(b"a") + END) == ["a", "a"]
    assert names(b"") == names(END) == names(bytes(512)) == []


def test_what_nobody_reads_is_passed_over_without_keeping_it() -> None:
    large = header(b"large", size=b"%o" % (200 << 20))

    def pieces() -> Iterator[bytes]:
        yield large
        for _ in range(200):
            yield bytes(1 << 20)
        yield header(b"next") + END

    tracemalloc.start()
    assert [member.name for member in TarStream(pieces())] == ["large", "next"]
    assert tracemalloc.get_traced_memory()[1] < 5 << 20
    tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_entries() -> None:
    one = header(b"name")

    def peak(count: int) -> int:
        tracemalloc.start()
        assert sum(1 for _ in TarStream(one for _ in range(count))) == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(2000) < peak(100) + 20_000


def test_a_long_name_that_some_engine_could_unpack_is_read() -> None:
    name = "d/" * (MAX_PATH // 2 - 1) + "f"
    assert names(tar({name: b""})) == [name]


@pytest.mark.parametrize("letter", "xgX")
@pytest.mark.parametrize("size", [157, 300, 500])
def test_a_long_name_or_link_is_no_header_whatever_letter_stands_where_a_header_has_its_kind(
    letter: str, size: int
) -> None:
    name = ("n" * 156 + letter + "/index.js").ljust(size, "n")[:size]
    entries = [(info(name), b""), (info("link", tarfile.SYMTYPE, linkname=name), b"")]
    stream = TarStream([tar_of(entries, form=tarfile.GNU_FORMAT)])
    assert [(one.name, one.linkname) for one in stream] == [(name, ""), ("link", name)]


def test_the_digest_of_a_sparse_file_is_that_of_the_unpacked_one() -> None:
    data = pax(record(b"GNU.sparse.map", b"5000000,1") + record(b"GNU.sparse.size", b"9000000")) + header(size=b"1")
    stream = TarStream([data, b"x".ljust(512, b"\0") + END])
    hashed = hashlib.sha256()
    for member in stream:
        for piece in stream.iterate_data(member):
            hashed.update(piece)
    assert hashed.digest() == hashlib.sha256(bytes(5_000_000) + b"x" + bytes(3_999_999)).digest()
