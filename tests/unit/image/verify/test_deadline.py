"""What counts as waiting, on an idle machine and on a busy one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from builder.image.verify.deadline import MOST_TIMES, Deadline, read_lost_seconds

if TYPE_CHECKING:
    from pathlib import Path

PRESSURE = "some avg10=94.01 avg60=82.01 avg300=41.80 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=9000000\n"
STAT = "cpu  10 20 30 40 50 60 70 {} 0 0\ncpu0 1 2 3 4 5 6 7 800 0 0\n"


class Machine:
    """Its clock, and the seconds in which somebody had to wait for a processor."""

    def __init__(self) -> None:
        self.clock, self.lost, self.asked = 1000.0, 500.0, 0

    def read_clock(self) -> float:
        return self.clock

    def read_lost(self) -> float:
        self.asked += 1
        return self.lost

    def spend(self, seconds: float, *, lost: float = 0.0) -> None:
        self.clock, self.lost = self.clock + seconds, self.lost + lost

    def make_deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, self.read_lost, self.read_clock)


def test_on_an_idle_machine_it_is_the_clock() -> None:
    machine = Machine()
    limit = machine.make_deadline(15.0)
    machine.spend(14.9)
    assert not limit.is_over()
    machine.spend(0.1)
    assert limit.is_over()
    assert limit.elapsed == pytest.approx(15.0)


def test_the_machine_is_asked_only_when_the_clock_says_so() -> None:
    machine = Machine()
    limit = machine.make_deadline(15.0)
    machine.spend(10.0, lost=10.0)
    assert not limit.is_over()
    assert machine.asked == 1, "once, at the start"


def test_seconds_without_a_processor_do_not_count() -> None:
    machine = Machine()
    limit = machine.make_deadline(15.0)
    machine.spend(20.0, lost=10.0)
    assert not limit.is_over()
    machine.spend(4.9)
    assert not limit.is_over()
    machine.spend(0.1)
    assert limit.is_over()


def test_a_machine_that_is_busy_for_ever_does_not_make_it_wait_for_ever() -> None:
    machine = Machine()
    limit = machine.make_deadline(15.0)
    machine.spend(15.0 * MOST_TIMES - 0.1, lost=15.0 * MOST_TIMES)
    assert not limit.is_over()
    machine.spend(0.1)
    assert limit.is_over()


def test_no_seconds_are_over_at_once() -> None:
    assert Machine().make_deadline(0.0).is_over()


def write_proc(folder: Path, *, pressure: str = "", stat: str = "") -> Path:
    (folder / "pressure").mkdir()
    (folder / "pressure/cpu").write_text(pressure)
    (folder / "stat").write_text(stat)
    return folder


def test_the_kernel_says_how_long_somebody_waited(tmp_path: Path) -> None:
    assert read_lost_seconds(write_proc(tmp_path, pressure=PRESSURE.format(2_500_000))) == 2.5


def test_what_the_host_took_counts_per_processor(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK") * (os.cpu_count() or 1)
    assert read_lost_seconds(write_proc(tmp_path, stat=STAT.format(3 * ticks))) == pytest.approx(3.0)


def test_a_machine_that_tells_nothing_has_its_clock_alone(tmp_path: Path) -> None:
    assert read_lost_seconds(tmp_path / "none") == 0.0
    assert read_lost_seconds(write_proc(tmp_path, pressure="full avg10=0 total=5\n", stat="intr 1\n")) == 0.0
