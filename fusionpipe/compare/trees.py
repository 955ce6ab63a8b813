"""Which files differ between two trees: directories with equal digests are never opened. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from fusionpipe.compare.difference import FileChange, How
from fusionstore.digest import Digest
from fusionstore.tree import Entry, Kind, Tree

_Found = tuple[str, Entry]
_FILES = (Kind.FILE, Kind.EXECUTABLE)


def changed_files(old: Tree, new: Tree) -> tuple[FileChange, ...]:
    """Every file, link and empty directory that differs, by path; none if the digests are equal.

    A removed and an added file with the same bytes are one that was renamed. It is the same both ways.
    """
    changes: list[FileChange] = []
    gone: list[_Found] = []
    come: list[_Found] = []
    for path, before, after in _differing(old, new):
        if before is None and after is not None:
            come.append((path, after))
        elif after is None and before is not None:
            gone.append((path, before))
        elif before is not None and after is not None:
            is_mode = before.digest == after.digest and {before.kind, after.kind} <= {*_FILES}
            changes.append(FileChange(path, How.MODE if is_mode else How.CHANGED, before, after))
    for left, arrived in _renamed(sorted(gone), sorted(come)):
        if left is None and arrived is not None:
            changes.append(FileChange(arrived[0], How.ADDED, None, arrived[1]))
        elif arrived is None and left is not None:
            changes.append(FileChange(left[0], How.REMOVED, left[1], None))
        elif left is not None and arrived is not None:
            changes.append(FileChange(arrived[0], How.RENAMED, left[1], arrived[1], was=left[0]))
    return tuple(sorted(changes, key=lambda change: (change.path, change.how)))


def _differing(old: Tree, new: Tree) -> Iterator[tuple[str, Entry | None, Entry | None]]:
    """Paths with what stands there before and after; directories are gone into.

    With a stack, not by calling itself: a path may have more parts than Python has room for calls.
    """
    waiting: list[tuple[str, Digest, Digest]] = []
    if old.root != new.root:
        waiting.append(("", old.root, new.root))
    while waiting:
        prefix, was, now = waiting.pop()
        before = {entry.name: entry for entry in old.entries(was)}
        after = {entry.name: entry for entry in new.entries(now)}
        for name in before.keys() | after.keys():
            a, b, path = before.get(name), after.get(name), prefix + name
            if a == b:
                continue
            if _is_directory(a) and _is_directory(b):
                assert a is not None
                assert b is not None
                if a.digest != b.digest:
                    waiting.append((path + "/", a.digest, b.digest))
            elif _is_directory(a) or _is_directory(b):
                yield from ((at, one, None) for at, one in _below(old, path, a))
                yield from ((at, None, one) for at, one in _below(new, path, b))
            else:
                yield path, a, b


def _below(tree: Tree, path: str, entry: Entry | None) -> Iterator[_Found]:
    """What stands at a path and below it: files, links, and directories with nothing in them."""
    waiting = [] if entry is None else [(path, entry)]
    while waiting:
        at, one = waiting.pop()
        if not _is_directory(one):
            yield at, one
        elif entries := tree.entries(one.digest):
            waiting += [(f"{at}/{entry.name}", entry) for entry in entries]
        else:
            yield at + "/", one


def _is_directory(entry: Entry | None) -> bool:
    return entry is not None and entry.kind is Kind.DIRECTORY


def _renamed(
    gone: Iterable[_Found], come: Iterable[_Found]
) -> Iterator[tuple[_Found | None, _Found | None]]:
    """Pairs what left with what came, by content, and by name where there are several of it."""
    groups: dict[object, tuple[list[_Found], list[_Found]]] = defaultdict(lambda: ([], []))
    for side, found in enumerate((gone, come)):
        for path, entry in found:
            # empty files are equal by chance
            is_told = entry.kind in _FILES and entry.size > 0
            groups[entry.digest if is_told else (side, path)][side].append((path, entry))
    for left, arrived in groups.values():
        yield from _paired(left, arrived)


def _paired(
    left: list[_Found], arrived: list[_Found]
) -> Iterator[tuple[_Found | None, _Found | None]]:
    by_name: dict[str, tuple[list[_Found], list[_Found]]] = defaultdict(lambda: ([], []))
    for side, found in enumerate((left, arrived)):
        for one in found:
            by_name[one[0].rpartition("/")[2]][side].append(one)
    rest: tuple[list[_Found], list[_Found]] = ([], [])
    for before, after in by_name.values():
        both = min(len(before), len(after))
        yield from zip(before[:both], after[:both], strict=True)
        rest[0].extend(before[both:])
        rest[1].extend(after[both:])
    yield from zip_longest(sorted(rest[0]), sorted(rest[1]))
