"""Stand-ins for the programs of macOS and FreeBSD, as strict as their manual pages: an unknown word is an error.

They keep what they were told in /shim, and run in a container that pretends to be such a system.
"""

from __future__ import annotations

DARWIN = {
    "uname": """case ${1:--s} in -s) echo Darwin ;; -m) echo arm64 ;; *) exec /usr/bin/uname "$@" ;; esac""",
    "sw_vers": "echo 14.4",
    # A service that is there cannot be loaded again (5); the first attempt after an unloading fails with the same words.
    "launchctl": r"""
echo "launchctl $*" >>/shim/calls
name=${2##*/}
case $1:$2 in
    print:gui/* | print:user/*) [ "${2#*/*/}" = "$2" ] || [ -e "/shim/loaded/$name" ] || exit 113 ;;
    print:system/*) [ -e "/shim/loaded/$name" ] || exit 113 ;;
    print-disabled:*) cat /shim/disabled ;;
    enable:*) : >/shim/disabled ;;
    bootstrap:*)
        name=${3##*/} name=${name%.plist}
        [ -f "$3" ] && ! grep -q "\"$name\" => disabled" /shim/disabled || exit 119
        if [ -e "/shim/loaded/$name" ] || rm /shim/busy 2>/dev/null; then
            echo "Bootstrap failed: 5: Input/output error" >&2
            exit 5
        fi
        : >"/shim/loaded/$name"
        ;;
    bootout:*) rm "/shim/loaded/$name" 2>/dev/null || exit 3; : >/shim/busy ;;
    *) echo "Unrecognized subcommand: $1" >&2 && exit 64 ;;
esac""",
    "dscl": r"""
echo "dscl $*" >>/shim/calls
[ "$1" = . ] || exit 64
name=${3##*/}
case $2:$3 in
    -list:/Users) echo "root 0" ;;
    -list:/Groups) echo "wheel 0"; echo "other 450" ;;
    -create:/Users/*) grep -q "^$name:" /etc/passwd || echo "$name:x:449:449:$5:/var/empty:/bin/false" >>/etc/passwd ;;
    -create:/Groups/*) grep -q "^$name:" /etc/group || echo "$name:x:449:" >>/etc/group ;;
    -delete:/Users/*) sed -i "/^$name:/d" /etc/passwd ;;
    -delete:/Groups/*) sed -i "/^$name:/d" /etc/group ;;
    -read:*) exit 56 ;;
    *) exit 64 ;;
esac""",
}
FREEBSD = {
    "uname": """case ${1:--s} in -s) echo FreeBSD ;; -m) echo amd64 ;; *) exec /usr/bin/uname "$@" ;; esac""",
    "freebsd-version": "echo 14.2-RELEASE",
    "sysrc": r"""
echo "sysrc $*" >>/shim/calls
case $* in
    *_enable=YES) echo "$1" >>/shim/rc.conf ;;
    "-q -x "*_enable) sed -i "/^$3=/d" /shim/rc.conf ;;
    *) exit 64 ;;
esac""",
    "service": r"""
echo "service $*" >>/shim/calls
[ -x "/usr/local/etc/rc.d/$1" ] || { echo "$1 does not exist in /etc/rc.d or the local startup directories" >&2 && exit 1; }
case $2 in
    onestart) : >"/shim/loaded/$1" ;;
    onestatus) [ -e "/shim/loaded/$1" ] ;;
    onerestart) [ -e "/shim/loaded/$1" ] ;;
    onestop) rm "/shim/loaded/$1" ;;
    *) exit 64 ;;
esac""",
    "pw": r"""
echo "pw $*" >>/shim/calls
case $* in
    "useradd -n hello -c services of hello -d /nonexistent -s /usr/sbin/nologin -w no")
        echo "hello:x:449:449:$5:/:/" >>/etc/passwd
        ;;
    "userdel hello") sed -i '/^hello:/d' /etc/passwd ;;
    *) exit 64 ;;
esac""",
}
