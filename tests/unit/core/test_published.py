"""Which bytes published packages hold, by their own lists."""

from __future__ import annotations

import base64

from builder.core.published import PublishedFiles, hash_data, is_published_list

DATA = b"a test key"
SHA256, MD5 = hash_data(DATA)


def read(path: str, text: str) -> PublishedFiles:
    found = PublishedFiles()
    found.add_list(path, text.encode())
    return found


def test_a_record_names_its_files_by_sha256_and_whatever_it_says_otherwise_counts_for_nothing() -> None:
    written = base64.urlsafe_b64encode(bytes.fromhex(SHA256)).decode().rstrip("=")
    found = read(
        "/s/a-1.dist-info/RECORD", f"x.py,sha256={written},12\r\nRECORD,,\ny.py,md5={MD5},3\nz,sha256=short,1\n"
    )
    assert found.has(SHA256, "")
    assert not found.has("", MD5)
    assert not found.has("0" * 64, "")


def test_md5sums_count_only_in_the_database_of_dpkg() -> None:
    text = f"{MD5}  usr/share/a/key.pem\n"
    assert read("/var/lib/dpkg/info/a.md5sums", text).has("", MD5)
    assert read("/var/lib/dpkg/status.d/a.md5sums", text).has("", MD5)
    assert not read("/app/a.md5sums", text).has("", MD5)
    assert not is_published_list("/app/a.md5sums")
    assert is_published_list("/var/lib/dpkg/info/libc6:amd64.md5sums")
