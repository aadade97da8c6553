"""Other programs: what is logged, hidden, told and stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway import console, process
from slipway.errors import SlipwayError
from slipway.redaction import hidden, redact


def sh(text: str) -> list[str]:
    return ["sh", "-c", text]


def test_output_and_errors_come_back_in_order_and_go_to_the_log(tmp_path: Path) -> None:
    with console.logging_to(tmp_path / "log"), console.task("a-task"):
        done = process.run(sh("echo one; echo two >&2; echo three"))
    assert (done.code, done.output) == (0, "one\ntwo\nthree\n")
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines == ["[a-task] + sh -c 'echo one; echo two >&2; echo three'", *(f"[a-task] {w}" for w in ("one", "two", "three"))]


def test_the_log_grows_while_the_program_runs(tmp_path: Path) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    with console.logging_to(log):
        work = threading.Thread(target=process.run, args=(sh(f"echo early; until [ -e {go} ]; do sleep 0.02; done"),))
        work.start()
        deadline = time.monotonic() + 5
        while "] early" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        seen = log.read_text()
        go.touch()
        work.join()
    assert "] early" in seen


def test_a_failure_says_the_command_the_code_and_the_end_of_the_output() -> None:
    with pytest.raises(SlipwayError) as failed:
        process.run(sh("seq 1 100; exit 7"))
    text = failed.value.message
    assert "failed with exit code 7" in text
    assert "    100" in text
    assert "    70\n" not in text
    assert "    71\n" in text


def test_what_runs_too_long_is_stopped() -> None:
    start = time.monotonic()
    said = r"still ran after 0\.2 seconds and was stopped\n    begun"
    with process.within(0.2), pytest.raises(SlipwayError, match=said):
        process.run(sh("echo begun; exec sleep 60"), check=False)
    assert time.monotonic() - start < 5


def test_what_ends_in_time_is_left_alone() -> None:
    with process.within(60):
        assert process.run(sh("echo done")).output == "done\n"


def test_a_signal_is_told() -> None:
    with pytest.raises(SlipwayError, match="ended by signal 9"):
        process.run(sh("kill -9 $$"))


def test_an_unchecked_failure_is_the_callers(tmp_path: Path) -> None:
    assert process.run(sh("exit 3"), check=False).code == 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: (["no-such-program"], None), "no-such-program is not installed"),
        (lambda root: (["true"], root / "gone"), "there is no such folder"),
        (lambda root: ([root / "data"], None), "cannot be started"),
        (lambda root: ([root / "plain"], None), "may not be executed"),
    ],
)
def test_a_program_that_cannot_be_started_is_explained(tmp_path: Path, make: Callable[[Path], Any], words: str) -> None:
    (tmp_path / "data").write_bytes(b"\0\1\2\3")
    (tmp_path / "data").chmod(0o755)
    (tmp_path / "plain").write_text("text")
    argv, cwd = make(tmp_path)
    with pytest.raises(SlipwayError, match=words) as failed:
        process.run(argv, cwd=cwd)
    assert failed.value.hint


def test_secrets_are_in_no_line_and_no_message(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    console.set_verbose(True)
    try:
        with console.logging_to(tmp_path / "log"), hidden("s3cret", "s3cret-and-more"):
            with pytest.raises(SlipwayError) as failed:
                process.run(sh("echo it is s3cret-and-more; exit 1"))
            done = process.question(sh("echo s3cret >&2; echo answer"))
    finally:
        console.set_verbose(False)
    seen = (tmp_path / "log").read_text() + str(failed.value) + capfd.readouterr().err + done.output
    assert "s3cret" not in seen
    assert "and-more" not in seen
    assert "it is ***" in seen
    assert done.answer == "answer\n"
    assert redact("s3cret") == "s3cret"


def test_a_large_input_to_a_program_that_talks_back_does_not_stall() -> None:
    text = "line of text\n" * 200_000
    assert process.run(["cat"], stdin=text).output == text


def test_a_program_that_does_not_read_its_input_is_no_failure() -> None:
    assert process.run(["true"], stdin="x" * 1_000_000).code == 0


def test_without_input_a_program_reads_nothing() -> None:
    assert process.run(["cat"]).output == ""


def test_a_question_keeps_both_streams_apart_however_much_they_say() -> None:
    code = "import sys\nfor n in range(20000):\n print('answer', n); print('noise', n, file=sys.stderr)"
    done = process.question([sys.executable, "-c", code])
    assert done.answer.splitlines() == [f"answer {n}" for n in range(20000)]
    assert done.output.splitlines() == [f"noise {n}" for n in range(20000)]


def test_a_question_leaves_failure_to_the_caller() -> None:
    assert process.question(sh("echo half; exit 4")) == process.Result(4, "", "half\n")


def test_the_environment_is_laid_over_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("CHANGED", "old")
    assert process.run(sh("echo $KEPT $CHANGED"), env={"CHANGED": "new"}).output == "kept new\n"


def test_output_that_is_not_utf8_is_shown_all_the_same() -> None:
    assert process.run(["printf", r"a\377b\n"]).output == "a\ufffdb\n"


@pytest.mark.parametrize(("line", "answer"), [("echo yes", "yes"), ("exit 1", None)])
def test_capture(line: str, answer: str | None) -> None:
    assert process.capture(sh(line)) == answer


def test_capture_of_a_missing_program() -> None:
    assert process.capture(["no-such-program"]) is None


def test_everything_that_runs_can_be_stopped() -> None:
    results: list[int] = []
    work = threading.Thread(target=lambda: results.append(process.run(["sleep", "30"], check=False).code))
    work.start()
    deadline = time.monotonic() + 10
    while work.is_alive() and time.monotonic() < deadline:
        process.stop_all()
        work.join(0.05)
    assert results == [-15]


def test_everything_that_a_program_started_is_stopped_with_it(tmp_path: Path) -> None:
    # A program that waits for another and tells it nothing, as cargo-zigbuild does with cargo.
    note = tmp_path / "pid"
    text = f"sh -c 'echo $$ >{note}.part; mv {note}.part {note}; exec sleep 60'; true"
    work = threading.Thread(target=lambda: process.run(sh(text), check=False), daemon=True)
    work.start()
    deadline = time.monotonic() + 10
    while not note.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.stop_all()
    work.join(10)
    assert not work.is_alive()
    inner = Path("/proc", note.read_text().strip())
    while inner.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not inner.exists()


def test_a_break_in_the_middle_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def interrupt(line: str) -> None:
        if "pid" in line and not line.startswith("+"):
            seen.append(int(line.split()[1]))
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(console, "log", interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            process.run(sh("echo pid $$; exec sleep 30"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - start < 10
    assert not Path(f"/proc/{seen[0]}").exists()


def test_what_a_program_left_running_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "GRACE", 0.2)
    start = time.monotonic()
    assert process.run(sh("echo said; sleep 30 & exit 0")).output == "said\n"
    assert time.monotonic() - start < 10
    assert "still runs and holds its output open" in capsys.readouterr().err


def test_pieces_of_data_reach_a_program_byte_for_byte(tmp_path: Path) -> None:
    out = tmp_path / "out"
    process.run(["sh", "-c", f"cat > {out}"], stdin=(bytes([number]) * 70_000 for number in (0, 10, 13, 255)))
    assert out.read_bytes() == b"".join(bytes([number]) * 70_000 for number in (0, 10, 13, 255))


def test_what_the_making_of_a_piece_raises_is_raised_although_the_program_is_content() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        process.run(["cat"], stdin=pieces())
