"""What is done on a server: short scripts for any POSIX shell, which begin in the store's folder.

Paths come as arguments that begin with `./`, never as a part of a script. Exit codes: 66 there is no such folder, 73 something
else has the name, 74 the bytes were damaged on the way, 75 somebody else is at it, 76 it is not as it was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Script:
    """A script, and how the log calls it."""

    name: str
    text: str


NO_FOLDER: Final = 66
TAKEN: Final = 73
DAMAGED: Final = 74
BUSY: Final = 75
CHANGED: Final = 76

# The first argument is the store's folder. `about` says what changes with the bytes; GNU, BusyBox and BSD say it differently.
_BEGIN: Final = """\
umask 022
trap '' HUP
cd -- "$1" || { echo "there is no folder $1" >&2; exit 66; }
shift
about() {
    find "$1" -prune -printf '%i-%T@-%s' 2>/dev/null || stat -c '%i-%Y-%s' -- "$1" 2>/dev/null || stat -f '%i-%m-%z' -- "$1"
}
digest() {
    if command -v sha256sum >/dev/null 2>&1; then sha256sum
    elif command -v shasum >/dev/null 2>&1; then shasum -a 256
    else openssl dgst -sha256 -r
    fi <"$1" | cut -c 1-64
}
own() { [ -d ./.slipway ] || mkdir -m 700 ./.slipway 2>/dev/null || [ -d ./.slipway ]; }
lock() {
    own || exit 1
    tries=0
    until mkdir ./.slipway/locked 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || exit 75
        # What is done under the lock takes no time: whoever has it for minutes is gone.
        [ -z "$(find ./.slipway/locked -prune -mmin +1 2>/dev/null)" ] || rmdir ./.slipway/locked 2>/dev/null
        sleep 0.1 2>/dev/null || sleep 1
    done
    trap 'rm -f "$part"; rmdir ./.slipway/locked' EXIT
}
part=./.slipway/none
"""

# Bytes wanted -> whether it can be written; prints the tools that are there.
CHECK: Final = Script(
    "check",
    f"""{_BEGIN}
[ -w . ] || {{ echo "$PWD cannot be written by this user" >&2; exit 1; }}
private=$2
while [ ! -d "$private" ]; do private=$(dirname -- "$private"); done
[ -w "$private" ] || {{ echo "$2 cannot be made by this user" >&2; exit 1; }}
here=$(df -Pk . | awk 'NR > 1 {{ print $1 }}')
there=$(df -Pk -- "$private" | awk 'NR > 1 {{ print $1 }}')
[ "$here" = "$there" ] || {{ echo "$2 is on another file system than $PWD" >&2; exit 1; }}
free=$(df -Pk . | awk 'NR > 1 {{ print $4 }}')
[ "$free" -ge "$1" ] || {{ echo "$1 KiB are to be published and $free KiB are free in $PWD" >&2; exit 1; }}
""",
)

# Folder -> for each file: size, what changes with the bytes, name; each ended by NUL.
LISTING: Final = Script(
    "listing",
    f"""{_BEGIN}
cd -- "$1" 2>/dev/null || exit 0
if find . -prune -printf '' 2>/dev/null; then
    find . ! -name . -prune -type f ! -name '.*' -printf '%s %i-%T@-%s %f\\0'
    exit
fi
for each in ./*; do
    [ -f "$each" ] && [ ! -L "$each" ] || continue
    printf '%s %s %s\\0' "$(($(wc -c <"$each")))" "$(about "$each")" "${{each#./}}"
done
""",
)

# File -> its digest; nothing when there is none.
DIGEST: Final = Script(
    "digest",
    f"""{_BEGIN}
[ -f "$1" ] || exit 0
digest "$1"
""",
)

# Folder -> for each file: its digest, two characters, `./` and its name; each ended by NUL.
DIGESTS: Final = Script(
    "digests",
    f"""{_BEGIN}
cd -- "$1" 2>/dev/null || exit 0
if sha256sum -z /dev/null >/dev/null 2>&1; then
    find . ! -name . -prune -type f ! -name '.*' -exec sha256sum -z -- {{}} +
    exit
fi
for each in ./*; do
    [ -f "$each" ] && [ ! -L "$each" ] || continue
    printf '%s  %s\\0' "$(digest "$each")" "$each"
done
""",
)

# File -> its bytes.
READ: Final = Script(
    "read",
    f"""{_BEGIN}
[ -f "$1" ] || {{ echo "there is no $1" >&2; exit 66; }}
exec cat <"$1"
""",
)

# Private file, its folder -> how many bytes of it are there, and whether rsync is.
BEGIN_PART: Final = Script(
    "begin part",
    f"""{_BEGIN}
own
mkdir -p -- "$2" && chmod 700 "$2" || exit
[ -f "$1" ] || : >"$1"
echo "$(($(wc -c <"$1")))" "$(command -v rsync)"
""",
)

# Private file -> what comes on standard input is added to it.
ADD: Final = Script(
    "add",
    f"""{_BEGIN}
exec cat >>"$1"
""",
)

# A private file becomes public under a name that nothing has; `ln` never overwrites, and neither does `mv -n`.
_PUBLISH: Final = """
[ "$(digest "$part")" = "$want" ] || { rm -f "$part"; echo "damaged on the way" >&2; exit 74; }
chmod 644 "$part"
[ ! -d "$target" ] || exit 73
mkdir -p -- "$folder" || exit
if ln "$part" "$target" 2>/dev/null; then
    rm -f "$part"
elif [ ! -e "$target" ] && [ ! -L "$target" ]; then
    mv -n -- "$part" "$target" || exit
fi
if [ -e "$part" ]; then
    rm -f "$part"
    [ -f "$target" ] && [ "$(digest "$target")" = "$want" ] || exit 73
fi
about "$target"
"""
# Private file, digest, public folder, public file -> what changes with the bytes.
FINISH: Final = Script(
    "finish",
    f"""{_BEGIN}
part=$1 want=$2 folder=$3 target=$4
{_PUBLISH}""",
)
# The same for bytes on standard input; before the digest comes the private folder.
AT_ONCE: Final = Script(
    "at once",
    f"""{_BEGIN}
part=$1 want=$3 folder=$4 target=$5
own
mkdir -p -- "$2" && chmod 700 "$2" || exit
cat >"$part" || exit
{_PUBLISH}""",
)

# Small file -> `=` and its bytes; nothing when there is none.
LOAD: Final = Script(
    "load",
    f"""{_BEGIN}
[ -f "$1" ] || exit 0
printf '='
exec cat <"$1"
""",
)

# Small file, its folder, the digest of what was seen or `none`, the digest of the bytes on standard input.
SAVE: Final = Script(
    "save",
    f"""{_BEGIN}
own
mkdir -p -- "$2" || exit
part=$1.$$.part
trap 'rm -f "$part"' EXIT
cat >"$part" || exit
[ "$(digest "$part")" = "$4" ] || exit 74
lock
seen=none
[ ! -f "$1" ] || seen=$(digest "$1")
[ "$seen" = "$3" ] || exit 76
mv -f -- "$part" "$1"
""",
)

_LOOK: Final = """
look() {
    if [ -L "$1" ]; then
        kind="file"
        [ ! -d "$1" ] || kind="folder"
        printf 'link %s %s' "$kind" "$(readlink "$1")"
    elif [ -f "$1" ]; then printf 'file %s' "$(digest "$1")"
    elif [ -e "$1" ]; then printf other
    else printf absent
    fi
}
"""
# Name -> what is there.
LOOK: Final = Script(
    "look",
    f"""{_BEGIN}{_LOOK}
look "$1"
""",
)
# Name, its folder, what was seen there, symlink or copy, where to -> it leads there. GNU and BSD each have their own way to move
# a link onto a link to a folder.
POINT: Final = Script(
    "point",
    f"""{_BEGIN}{_LOOK}
lock
[ "$(look "$1")" = "$3" ] || exit 76
mkdir -p -- "$2" || exit
part=$2/.${{1##*/}}.$$.part
if [ "$4" = symlink ]; then ln -s -- "$5" "$part"; else cp -- "$5" "$part" && chmod 644 "$part"; fi || exit
mv -fT -- "$part" "$1" 2>/dev/null || mv -fh "$part" "$1" || {{ rm -f "$part"; exit 1; }}
""",
)
# Name, what was seen there -> it is gone.
UNPOINT: Final = Script(
    "unpoint",
    f"""{_BEGIN}{_LOOK}
lock
[ "$(look "$1")" = "$2" ] || exit 76
rm -f -- "$1"
""",
)
