"""The tags of RPM headers that slipway writes, with their numbers and types (rpm's tag list, docs/manual/tags.md)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final


class Kind(IntEnum):
    """How the data of a tag is stored (docs/manual/format_header.md)."""

    INT16 = 3
    INT32 = 4
    INT64 = 5
    STRING = 6
    BIN = 7
    STRING_ARRAY = 8
    I18NSTRING = 9


# The marks of the two headers: what lies between the mark's entry and its trailer is one immutable region.
SIGNATURES: Final = "HEADERSIGNATURES"
IMMUTABLE: Final = "HEADERIMMUTABLE"
REGIONS: Final[Mapping[str, int]] = {SIGNATURES: 62, IMMUTABLE: 63}

_INT16: Final[Mapping[str, int]] = {"FILEMODES": 1030, "FILERDEVS": 1033}
_INT32: Final[Mapping[str, int]] = {
    "EPOCH": 1003,
    "BUILDTIME": 1006,
    "SIZE": 1009,
    "FILESIZES": 1028,
    "FILEMTIMES": 1034,
    "FILEFLAGS": 1037,
    "FILEVERIFYFLAGS": 1045,
    "REQUIREFLAGS": 1048,
    "CONFLICTFLAGS": 1053,
    "FILEDEVICES": 1095,
    "CHANGELOGTIME": 1080,
    "FILEINODES": 1096,
    "PROVIDEFLAGS": 1112,
    "OBSOLETEFLAGS": 1114,
    "DIRINDEXES": 1116,
    "FILEDIGESTALGO": 5011,
    "RECOMMENDFLAGS": 5048,
    "SUGGESTFLAGS": 5051,
    "PAYLOADDIGESTALGO": 5093,
}
_INT64: Final[Mapping[str, int]] = {"LONGFILESIZES": 5008, "LONGSIZE": 5009}
_STRING: Final[Mapping[str, int]] = {
    "NAME": 1000,
    "VERSION": 1001,
    "RELEASE": 1002,
    "BUILDHOST": 1007,
    "VENDOR": 1011,
    "LICENSE": 1014,
    "PACKAGER": 1015,
    "URL": 1020,
    "OS": 1021,
    "ARCH": 1022,
    "PREIN": 1023,
    "POSTIN": 1024,
    "PREUN": 1025,
    "POSTUN": 1026,
    "SOURCERPM": 1044,
    "RPMVERSION": 1064,
    "PREINPROG": 1085,
    "POSTINPROG": 1086,
    "PREUNPROG": 1087,
    "POSTUNPROG": 1088,
    "PAYLOADFORMAT": 1124,
    "PAYLOADCOMPRESSOR": 1125,
    "PAYLOADFLAGS": 1126,
    "PLATFORM": 1132,
    "ENCODING": 5062,
}
_I18NSTRING: Final[Mapping[str, int]] = {"SUMMARY": 1004, "DESCRIPTION": 1005, "GROUP": 1016}
_STRING_ARRAY: Final[Mapping[str, int]] = {
    "HEADERI18NTABLE": 100,
    "FILEDIGESTS": 1035,
    "FILELINKTOS": 1036,
    "FILEUSERNAME": 1039,
    "FILEGROUPNAME": 1040,
    "PROVIDENAME": 1047,
    "REQUIRENAME": 1049,
    "REQUIREVERSION": 1050,
    "CONFLICTNAME": 1054,
    "CONFLICTVERSION": 1055,
    "OBSOLETENAME": 1090,
    "CHANGELOGNAME": 1081,
    "CHANGELOGTEXT": 1082,
    "FILELANGS": 1097,
    "PROVIDEVERSION": 1113,
    "OBSOLETEVERSION": 1115,
    "BASENAMES": 1117,
    "DIRNAMES": 1118,
    "FILECAPS": 5010,
    "RECOMMENDNAME": 5046,
    "RECOMMENDVERSION": 5047,
    "SUGGESTNAME": 5049,
    "SUGGESTVERSION": 5050,
    "PAYLOADDIGEST": 5092,
    "PAYLOADDIGESTALT": 5097,
}
_BY_KIND: Final = {
    Kind.INT16: _INT16,
    Kind.INT32: _INT32,
    Kind.INT64: _INT64,
    Kind.STRING: _STRING,
    Kind.I18NSTRING: _I18NSTRING,
    Kind.STRING_ARRAY: _STRING_ARRAY,
}
Row = tuple[int, Kind]
TAGS: Final[Mapping[str, Row]] = {name: (number, kind) for kind, rows in _BY_KIND.items() for name, number in rows.items()}

# The signature header has numbers of its own.
SIGNATURE_TAGS: Final[Mapping[str, Row]] = {
    "DSAHEADER": (267, Kind.BIN),
    "RSAHEADER": (268, Kind.BIN),
    "SHA1HEADER": (269, Kind.STRING),
    "LONGSIGSIZE": (270, Kind.INT64),
    "LONGARCHIVESIZE": (271, Kind.INT64),
    "SHA256HEADER": (273, Kind.STRING),
    "SIGSIZE": (1000, Kind.INT32),
    "SIGMD5": (1004, Kind.BIN),
    "PAYLOADSIZE": (1007, Kind.INT32),
}
