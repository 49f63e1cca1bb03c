"""What a registry's access log says of blobs that came in and went out."""

from __future__ import annotations

from registry import count_downloaded_bytes, list_uploaded_digests

ONE, TWO = "1" * 64, "2" * 64
STATE = "_state=c29tZXRoaW5n-_%3D"


def line(request: str, status: int, written: int) -> str:
    return f'127.0.0.1 - - [29/Nov/2026:21:46:22 +0000] "{request} HTTP/1.1" {status} {written} "" "docker/26.1.5"\n'


def test_a_finished_upload_is_one_digest() -> None:
    log = (
        line("POST /v2/image/blobs/uploads/", 202, 0)
        + line(f"PATCH /v2/image/blobs/uploads/7a-1?{STATE}", 202, 0)
        + line(f"PUT /v2/image/blobs/uploads/7a-1?{STATE}&digest=sha256%3A{ONE}", 201, 0)
        + line(f"HEAD /v2/image/blobs/sha256:{ONE}", 200, 0)
    )
    assert list_uploaded_digests(log) == (ONE,)


def test_nothing_is_uploaded_that_is_there_or_lent_or_failed() -> None:
    log = (
        line(f"HEAD /v2/image/blobs/sha256:{ONE}", 200, 0)
        + line(f"POST /v2/image/blobs/uploads/?from=other&mount=sha256%3A{ONE}", 201, 0)
        + line(f"PUT /v2/image/blobs/uploads/7a-1?{STATE}&digest=sha256%3A{TWO}", 400, 0)
        + line("PUT /v2/image/manifests/1", 201, 0)
    )
    assert list_uploaded_digests(log) == ()


def test_downloads_are_counted_without_manifests_and_questions() -> None:
    log = (
        line("GET /v2/image/manifests/1", 200, 1234)
        + line(f"HEAD /v2/image/blobs/sha256:{ONE}", 200, 999)
        + line(f"GET /v2/image/blobs/sha256:{ONE}", 200, 5000)
        + line(f"GET /v2/image/blobs/sha256:{TWO}", 206, 70)
        + line(f"GET /v2/image/blobs/sha256:{TWO}", 404, 157)
    )
    assert count_downloaded_bytes(log) == 5070
