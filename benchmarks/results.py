"""What a run of the benchmarks found: plain facts, kept as JSON so that a report can be made again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure
from benchmarks.work import Kind


class Scenario(StrEnum):
    """What is done to a project before its tool is called."""

    VERSION = "--version"
    COLD = "cold"
    NO_OP = "no-op"
    LEAF = "leaf edited"
    COMMENT = "comment at a root"
    REVERT = "revert"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing measured: who, in what, how many nodes, after what."""

    peer: str
    kind: Kind
    nodes: int
    scenario: Scenario


@dataclass(frozen=True, slots=True)
class DataCell:
    """One figure about large data: of what shape, whose, doing what."""

    shape: str
    subject: str
    action: str


@dataclass(frozen=True, slots=True)
class Slope:
    """Seconds = start + each × amount, fitted; `fit` is r²."""

    subject: str
    action: str
    against: str
    start: float
    each: float
    fit: float
    points: tuple[tuple[float, float], ...]


@dataclass(slots=True)
class Results:
    """Everything one run found, and what it left out and why."""

    machine: Mapping[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    cells: dict[Cell, Figure] = field(default_factory=dict)
    data: dict[DataCell, float] = field(default_factory=dict)  # seconds
    slopes: list[Slope] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was left out
    faults: list[str] = field(default_factory=list)  # what a tool did wrong
    missing: dict[Cell, str] = field(default_factory=dict)  # what could not be measured, and why
    proven: list[str] = field(default_factory=list)  # who builds the right things: "PEER KIND"
    done: list[str] = field(default_factory=list)  # parts that are no graphs: see plan.OTHERS

    def get(self, peer: str, scenario: Scenario, nodes: int, kind: Kind = Kind.SH) -> Figure | None:
        """A figure, if it was measured."""
        return self.cells.get(Cell(peer, kind, nodes, scenario))

    def wall(self, peer: str, scenario: Scenario, nodes: int, kind: Kind = Kind.SH) -> float | None:
        """Its wall time, if it was measured."""
        found = self.get(peer, scenario, nodes, kind)
        return None if found is None else found.wall

    def seconds(self, shape: str, subject: str, action: str) -> float | None:
        """A figure about data, if it was measured."""
        return self.data.get(DataCell(shape, subject, action))

    def sizes(self, kind: Kind) -> Sequence[int]:
        """The sizes that were measured, smallest first."""
        return sorted({cell.nodes for cell in self.cells if cell.kind is kind and cell.nodes})

    def peers(self, cells: Iterable[Cell] | None = None) -> Sequence[str]:
        """Who was measured, in order of first appearance."""
        return list(dict.fromkeys(cell.peer for cell in cells or self.cells))

    def note(self, sentence: str) -> None:
        """Remembers that something was left out; once, however often it is said."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def save(self, path: Path) -> None:
        """Writes everything as JSON, in one step: what was there stays until all is written."""
        plain = {
            "machine": dict(self.machine),
            "versions": self.versions,
            "cells": [{**asdict(cell), **asdict(it)} for cell, it in self.cells.items()],
            "data": [{**asdict(cell), "seconds": it} for cell, it in self.data.items()],
            "slopes": [asdict(slope) for slope in self.slopes],
            "notes": self.notes,
            "faults": self.faults,
            "missing": [{**asdict(cell), "why": why} for cell, why in self.missing.items()],
            "proven": self.proven,
            "done": self.done,
        }
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(plain, indent=1) + "\n")
        os.replace(beside, path)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Reads what `save` wrote."""
        plain = json.loads(path.read_text())
        words = {name: plain.get(name, []) for name in ("notes", "faults", "proven", "done")}
        found = cls(plain["machine"], plain["versions"], **words)
        for row in plain.get("missing", []):
            found.missing[_cell(row)] = row["why"]
        for row in plain["cells"]:
            cell = _cell(row)
            names = ("runs", "wall", "cpu", "own", "peak", "best", "worst")
            found.cells[cell] = Figure(**{name: row[name] for name in names})
        for row in plain["data"]:
            found.data[DataCell(row["shape"], row["subject"], row["action"])] = row["seconds"]
        for row in plain["slopes"]:
            points = tuple((x, y) for x, y in row["points"])
            found.slopes.append(Slope(**{**row, "points": points}))
        return found


def _cell(row: Mapping[str, Any]) -> Cell:
    return Cell(row["peer"], Kind(row["kind"]), row["nodes"], Scenario(row["scenario"]))
