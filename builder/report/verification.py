"""A verification's report as text, JSON and JUnit; all three are made from the same value."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from builder.core.naming import shorten_id
from builder.image.verify.model import REPORT_SCHEMA_VERSION, STATUS_WORDS, CheckResult, CheckStatus, VerifyReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.box import Box
    from rich.console import JustifyMethod
    from rich.table import Table

    from builder.report.documents.verification import VerificationDocument

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped; logs of containers do."""


def format_verification_text(report: VerifyReport, *, width: int = 120) -> str:
    """The table, the warnings, the notes and the verdict."""
    from rich.box import SIMPLE_HEAD  # 40 ms
    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False, no_color=True, highlight=False)
    console.print(make_check_table(report.checks, SIMPLE_HEAD))
    for check in report.checks:
        for warning in check.warnings:
            console.print(f"warning: {check.name}: {warning}", markup=False, soft_wrap=True)
        for note in check.notes:
            console.print(f"note: {check.name}: {note}", markup=False, soft_wrap=True)
    console.print(format_verdict(report), markup=False)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def make_check_table(checks: Sequence[CheckResult], box: Box, *, running: Sequence[tuple[str, float]] = ()) -> Table:
    """A rich table: name, status, seconds, message; ``running`` are (name, seconds so far)."""
    from rich.table import Table  # 40 ms
    from rich.text import Text

    colors = {
        CheckStatus.PASSED: "green",
        CheckStatus.NOTED: "cyan",
        CheckStatus.FAILED: "bold red",
        CheckStatus.NOT_RUN: "yellow",
    }
    made = Table(box=box, pad_edge=False)
    columns: dict[str, JustifyMethod] = {"check": "left", "status": "left", "seconds": "right", "": "left"}
    for heading, justify in columns.items():
        made.add_column(heading, justify=justify, no_wrap=heading != "")
    for check in checks:
        status = Text(STATUS_WORDS[check.status], style=colors[check.status])
        made.add_row(Text(check.name), status, f"{check.seconds:.1f}", Text(check.message))
    for name, seconds in running:
        made.add_row(Text(name), Text("running", style="cyan"), f"{seconds:.0f}", Text(""))
    return made


def format_verdict(report: VerifyReport) -> str:
    """One sentence."""
    counts = {status: sum(check.status is status for check in report.checks) for status in CheckStatus}
    where = f"{report.image} ({shorten_id(report.image_id)}) against {report.database}"
    excused = [check.name for check in report.checks if check.excused]
    good = counts[CheckStatus.PASSED] + counts[CheckStatus.NOTED]
    if report.passed and excused:
        passed = f"{good} checks passed in {report.seconds:.0f} s"
        return f"{where}: {passed}; {', '.join(excused)} does not apply"
    if report.passed:
        return f"{where}: all {len(report.checks)} checks passed in {report.seconds:.0f} s"
    return (
        f"{where}: {counts[CheckStatus.FAILED]} failed, {counts[CheckStatus.NOT_RUN]} not run, "
        f"{good} passed "
        f"in {report.seconds:.0f} s"
    )


def format_failures(report: VerifyReport) -> str:
    """For each failed check its hint and the end of its log; empty when all passed."""
    failed = [check for check in report.checks if check.status is CheckStatus.FAILED]
    return "\n".join(_format_failure(check) for check in failed)


def _format_failure(check: CheckResult) -> str:
    log = "".join(f"    {line}\n" for line in check.log.rstrip().splitlines())
    hint = f"  next: {check.hint}\n" if check.hint else ""
    return f"{check.name}: {check.message}\n{hint}" + (f"  the end of the log:\n{log}" if log else "")


def format_verification_json(report: VerifyReport) -> str:
    """Stable keys; ``schema_version`` changes when one of them changes its meaning."""
    document: VerificationDocument = {
        "schema_version": REPORT_SCHEMA_VERSION,
        "image": report.image,
        "image_id": report.image_id,
        "database": report.database,
        "passed": report.passed,
        "seconds": round(report.seconds, 3),
        "checks": [
            {
                "name": check.name,
                "status": check.status,
                "seconds": round(check.seconds, 3),
                "message": check.message,
                "hint": check.hint,
                "log": check.log,
                "excused": check.excused,
                "warnings": list(check.warnings),
                "notes": list(check.notes),
            }
            for check in report.checks
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def format_verification_junit(report: VerifyReport) -> str:
    """By hand: a library would be more code than this. The format that CI systems read: a suite, a case per check."""
    counts = {status: sum(check.status is status for check in report.checks) for status in CheckStatus}
    suite = ET.Element(
        "testsuite",
        name=_replace_invalid_xml(f"optbuild verify {report.image}"),
        tests=str(len(report.checks)),
        failures=str(counts[CheckStatus.FAILED]),
        errors="0",
        skipped=str(counts[CheckStatus.NOT_RUN]),
        time=f"{report.seconds:.3f}",
    )
    for check in report.checks:
        _add_case(suite, check)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, check: CheckResult) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        classname="optbuild.verify",
        name=_replace_invalid_xml(check.name),
        time=f"{check.seconds:.3f}",
    )
    if check.status is CheckStatus.FAILED:
        failure = ET.SubElement(case, "failure", message=_replace_invalid_xml(check.message))
        failure.text = _replace_invalid_xml("\n".join(part for part in (check.hint, check.log) if part))
    elif check.status is CheckStatus.NOT_RUN:
        ET.SubElement(case, "skipped", message=_replace_invalid_xml(check.message))
    if told := (*check.warnings, *(f"note: {note}" for note in check.notes)):
        ET.SubElement(case, "system-out").text = _replace_invalid_xml("\n".join(told))


def _replace_invalid_xml(text: str) -> str:
    return _NOT_XML.sub("?", text)
