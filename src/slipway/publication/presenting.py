"""What an environment adds to the files of a release: installers that know its address, and the release's page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slipway.actions.store import Content, Hosting
from slipway.installers.online import online_scripts
from slipway.manifest import Manifest
from slipway.publication.contents import MANIFEST, release_files
from slipway.publication.planning import Draft
from slipway.publish.page import ReleasePage, write_page
from slipway.release.changelog import History
from slipway.release.wording import filled, words_of


def presented(draft: Draft) -> Draft:
    """The draft with all that goes into each of its stores: the release's own files, and those that are made for the store."""
    files = release_files(draft.release)
    contents = {
        rules.name: draft.placed(rules.name, (*files, *_made(draft, rules.name, files))) for rules in draft.environment.stores
    }
    return replace(draft, contents=contents)


def _made(draft: Draft, store: str, files: tuple[Path, ...]) -> tuple[Path, ...]:
    """A forge shows a page of its own, and its release has an address that the installers know already."""
    rules = draft.environment.store(store)
    if isinstance(draft.opened.site.store(store), Hosting):
        return ()
    target = draft.release.paths.state / "online" / draft.environment.name / store
    url = getattr(rules, "url", "")
    scripts: tuple[Path, ...] = ()
    if url:
        scripts = online_scripts(draft.release, f"{url.rstrip('/')}/{_any_folder(draft, store)}", target)
    page = _page(draft, store, url, draft.placed(store, (*files, *scripts)))
    return (*scripts, *write_page(page, target, overrides=draft.release.project.root))


def _any_folder(draft: Draft, store: str) -> str:
    """The folder of any release in a store: the scripts put the version in, since users may ask for another one."""
    words = words_of(draft.release.project, draft.release.version, draft.environment.name)
    kept = {**words, "tag": "{tag}", "version": "{version}"}
    return filled(getattr(draft.environment.store(store), "folder", ""), kept, where=f"the folder of [store.{store}]")


def _page(draft: Draft, store: str, url: str, contents: tuple[Content, ...]) -> ReleasePage:
    project = draft.release.project
    pages = History.of(project, project.changelog).links
    return ReleasePage(
        manifest=Manifest.load(draft.release.paths.packages / MANIFEST),
        tag=draft.tag,
        folder=draft.folder(store),
        contents=contents,
        summary=project.summary,
        homepage=project.homepage,
        url=url,
        commit=draft.commit,
        commit_url=f"{pages.commit}{draft.commit}" if pages.commit and draft.commit else "",
        notes=draft.notes,
        prerelease=draft.release.version.is_prerelease,
    )
