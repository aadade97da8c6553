"""What slipway knows of Windows programs before osslsigncode does."""

from __future__ import annotations

import lief
import pes
import pytest

from slipway.signing.authenticode import _smallest_program, is_signed


@pytest.mark.parametrize(("certificate", "answer"), [(0, False), (64, True)])
def test_a_program_with_a_table_of_certificates_is_signed(certificate: int, answer: bool) -> None:
    assert is_signed(pes.pe(["KERNEL32.dll"], certificate=certificate)) is answer


@pytest.mark.parametrize("data", [b"", b"MZ", b"MZ" + bytes(58) + b"\xff\xff\xff\x7f", b"\x7fELF" + bytes(200)])
def test_what_is_no_program_is_not_signed(data: bytes) -> None:
    assert not is_signed(data)


def test_a_key_is_tried_on_a_program_that_others_can_read() -> None:
    found = lief.PE.parse(list(_smallest_program()))
    assert found is not None
    assert not found.has_signatures
