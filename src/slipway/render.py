"""The one door to Jinja: templates in, text out."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import SlipwayError
from slipway.plain import to_plain
from slipway.resources import PACKAGE, program, source_dir

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDERS: Final = ("templates", "installers")
# xml.sax.saxutils has this too, but brings urllib, http and ssl along.
_ENTITIES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
_FAULTS: Final = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError)


def render(name: str, /, *, overrides: Path | None = None, **context: object) -> str:
    """Render a template such as `installers/unix/install.sh.j2` from plain data.

    A project's own `templates/` and `installers/` folders below `overrides` win over slipway's, file by file.
    """
    import jinja2

    try:
        return _environment(overrides).get_template(name).render({key: to_plain(value) for key, value in context.items()})
    except jinja2.TemplateSyntaxError as error:
        raise _fault(f"{error.filename or error.name or name}:{error.lineno}", error) from error
    except jinja2.TemplateNotFound as error:
        raise SlipwayError(
            f"{name}: there is no template {error.name}", hint="names look like templates/deb/copyright.j2"
        ) from error
    except (jinja2.TemplateError, *_FAULTS) as error:
        raise _fault(_place(error.__traceback__, name), error) from error


def sources(folder: str, *, overrides: Path | None = None) -> tuple[Path, ...]:
    """Every template below a folder such as `installers/unix`: what a Step that renders there depends on."""
    found = (
        path for root in _roots(folder.split("/", maxsplit=1)[0], overrides) for path in (root.parent / folder).rglob("*.j2")
    )
    # A standalone program unpacks its templates to another place each time: they change when it does.
    whole = program()
    return tuple(sorted({whole if whole and path.is_relative_to(PACKAGE) else path for path in found if path.is_file()}))


def sh(text: object) -> str:
    """Quote a value as one word for a POSIX shell."""
    return "'" + str(text).replace("'", "'\\''") + "'"


def heredoc(text: object) -> str:
    """Protect a text inside a here-document whose end mark is not quoted."""
    return str(text).replace("\\", "\\\\").replace("$", "\\$").replace("`", "\\`")


def xml(text: object) -> str:
    """Protect a text inside an XML element or a quoted attribute."""
    return str(text).translate(_ENTITIES)


def _roots(folder: str, overrides: Path | None) -> tuple[Path, ...]:
    own = () if overrides is None else (overrides / folder,)
    return (*own, *((source_dir(folder),) if folder in FOLDERS else ()))


@cache
def _environment(overrides: Path | None) -> Environment:
    import jinja2

    loaders = {folder: jinja2.FileSystemLoader(_roots(folder, overrides)) for folder in FOLDERS}
    environment = jinja2.Environment(
        loader=jinja2.PrefixLoader(loaders),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - scripts and control files; XML templates name their filter
    )
    environment.filters |= {"sh": sh, "heredoc": heredoc, "xml": xml}
    return environment


def _fault(place: str, error: Exception) -> SlipwayError:
    return SlipwayError(f"{place}: {error}", hint="mend the template, or remove the project's own copy of it")


def _place(trace: TracebackType | None, name: str) -> str:
    """Jinja writes its tracebacks in terms of the templates: the innermost frame that is one says where."""
    found = name
    while trace is not None:
        file: Any = trace.tb_frame.f_code.co_filename
        if file.endswith(".j2"):
            found = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
