"""What made a layer, without what nobody may read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.inspect.instructions import LONGEST, format_instructions, name_planned_layer


def line(text: str, *shell: str) -> str:
    [found] = format_instructions([text], shell)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("/bin/sh -c #(nop) COPY file:abc in / ", "COPY file:abc in /"),
        ('/bin/sh -c #(nop)  CMD ["bash"]', 'CMD ["bash"]'),
        ("COPY /out/ / # buildkit", "COPY /out/ /"),
        ("WORKDIR /opt/airflow", "WORKDIR /opt/airflow"),
        ("RUN /bin/bash -o pipefail -c curl x | sh # buildkit", "RUN curl x | sh"),
        ("RUN /bin/bash -eux -o pipefail -c make", "RUN make"),
        ("RUN /bin/sh -c set -eux;\n\tapt-get  update;  # buildkit", "RUN set -eux; apt-get update;"),
        ("RUN pip install x # buildkit", "RUN pip install x"),
        ("RUN |2 TOKEN=s3cret A=b c /bin/sh -c pip install x # buildkit", "RUN TOKEN=*** A=*** pip install x"),
        ("|1 TOKEN=s3cret /bin/sh -c pip install x", "RUN TOKEN=*** pip install x"),
        ("RUN |1 TOKEN= /bin/sh -c make", "RUN TOKEN=*** make"),
        ("RUN |1 T=a B=c /bin/sh -c make", "RUN *** make"),
        ("RUN |1 T=a /bin/sh -c b /bin/sh -c make", "RUN T=*** make"),
        ("RUN |1 T=s3cret python -c print(1)", "RUN ***"),
        ("RUN |0 /bin/sh -c make", "RUN *** make"),
        ("ENV PASSWORD=a b c", "ENV PASSWORD=***"),
        ("ARG TOKEN=abc", "ARG TOKEN=***"),
        ("", ""),
        ("RUN echo \x1b[31m\u202e", "RUN echo \\x1b[31m\\u202e"),
    ],
)
def test_an_instruction_is_one_line_without_its_shell(text: str, expected: str) -> None:
    assert line(text) == expected


def test_the_shell_of_the_image_is_known_whatever_it_is() -> None:
    assert line("RUN |1 T=abc /usr/bin/env python -c print(1)", "/usr/bin/env", "python", "-c") == "RUN T=*** print(1)"
    assert line("RUN powershell -Command Get-It", "powershell", "-Command") == "RUN Get-It"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("RUN /bin/sh -c pip install --index-url https://me:hunter2@pypi.example/simple x", "hunter2"),
        ("RUN /bin/sh -c git clone https://ghp_abcdef@git.example/x", "ghp_abcdef"),
        ("RUN /bin/sh -c export DB_PASSWORD=hunter2 && make", "hunter2"),
        ("RUN /bin/sh -c API_KEY='hunter2 and more' make", "hunter2"),
        ('RUN /bin/sh -c AWS_SECRET_ACCESS_KEY="hunter2" make', "hunter2"),
        ("RUN /bin/sh -c make --api-token hunter2 all", "hunter2"),
        ("RUN /bin/sh -c make --password=hunter2", "hunter2"),
        ("RUN /bin/sh -c make --no-auth --password hunter2", "hunter2"),
        ("RUN /bin/sh -c curl -u me:hunter2 https://x.example", "hunter2"),
        ("RUN /bin/sh -c curl -ume:hunter2 https://x.example", "hunter2"),
        ("RUN /bin/sh -c curl --user 'me:hunter2' https://x.example", "hunter2"),
        ("RUN /bin/sh -c mysql -h db -u root -phunter2 < x.sql", "hunter2"),
        ("RUN /bin/sh -c curl -H 'Authorization: Bearer hunter2' x", "hunter2"),
        ("RUN /bin/sh -c curl -H 'X-Api-Key: hunter2' x", "hunter2"),
        ("RUN /bin/sh -c curl -H 'Authorization: Basic aHVudGVyMg==' x", "aHVudGVyMg"),
        ("/bin/sh -c #(nop)  ENV FERNET_KEY=hunter2", "hunter2"),
        ("ENV A=b PASSWORD=hunter2", "hunter2"),
        ("ENV PASSWORD hunter2", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, secret: str) -> None:
    assert secret not in line(text)
    assert "***" in line(text)


@pytest.mark.parametrize(
    "text",
    [
        "RUN apt-get install -y --no-install-recommends gnupg",
        "RUN apt-key adv --recv-keys 0x1234ABCD",
        "COPY --chown=50000:0 keys/author.txt /opt/",
        "RUN pip install requests==2.31.0 monkeytype passlib",
        "RUN KEYRING=/usr/share/keyrings make",
        "RUN mkdir -p /opt/mysql && apt-get install -y mysql-client && mkdir -p /x",
        "RUN curl -u me https://x.example && pip install --user x",
    ],
)
def test_what_only_sounds_like_a_secret_is_not(text: str) -> None:
    assert line(text) == text


def test_a_secret_argument_is_masked_wherever_it_was_expanded() -> None:
    history = ["RUN |2 TOKEN=s3cret-value V=3.11 /bin/sh -c make", "COPY s3cret-value/3.11 / # buildkit"]
    assert format_instructions(history) == ("RUN TOKEN=*** V=*** make", "COPY ***/3.11 /")


SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).map(lambda text: f"<{text}>")


@given(
    st.lists(st.tuples(st.sampled_from(["TOKEN", "A", "PIP_INDEX_URL"]), SECRETS), min_size=1, max_size=4),
    st.booleans(),
)
def test_no_value_of_a_build_argument_is_ever_shown(arguments: list[tuple[str, str]], buildkit: bool) -> None:
    pairs = " ".join(f"{name}={value}" for name, value in arguments)
    text = f"|{len(arguments)} {pairs} /bin/sh -c make all"
    found = line(f"RUN {text} # buildkit" if buildkit else text)
    assert found.endswith(" make all")
    for _, value in arguments:
        inner = value[1:-1]
        assert value not in found
        assert len(inner) < 12 or inner not in found


@given(st.text(max_size=300), st.lists(st.text(max_size=10), max_size=3))
def test_any_text_becomes_one_printable_line(text: str, shell: list[str]) -> None:
    for start in ("", "RUN ", "RUN |1 ", "/bin/sh -c #(nop) "):
        found = line(start + text, *shell)
        assert found.isprintable()
        assert len(found) <= LONGEST * 2


@pytest.mark.parametrize("piece", ["KEY", "KEY=", ".KEY.", "--key ", "://", "/sh -c ", "A=", "'", "Bearer "])
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    assert len(line("RUN " + piece * 200_000)) <= LONGEST * 2
    assert len(line("RUN |1 " + piece * 200_000)) <= LONGEST * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("COPY /out/seaborn/ /", "Python packages: seaborn"),
        ("COPY /out/psycopg2-binary.libs/ /", "Python packages: psycopg2-binary.libs"),
        ("COPY /out/build.run/ /", "Scripts of [build] run"),
        ("RUN python3 -B /change.py -- python3 -B /run-scripts/run_scripts.py stay /debs", "Scripts of [build] run"),
        ("COPY /out/2/ /", "Entry 2 of [files]"),
        ("RUN python3 -B /change.py -- python3 -B /scripts/place_files.py /files / 1", "Entry 1 of [files]"),
        ("COPY /out/ /", "COPY /out/ /"),
        ("RUN make", "RUN make"),
    ],
)
def test_a_layer_of_ours_is_named_for_what_the_spec_or_the_lock_says(text: str, expected: str) -> None:
    assert name_planned_layer(text) == expected
