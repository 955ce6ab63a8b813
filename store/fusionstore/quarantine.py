"""Where what does not belong, or is damaged, is put: never deleted, always named."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence

from fusionstore.layout import Layout


class Quarantine:
    """Moves things aside and keeps a sentence about each until somebody asks."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._findings: list[str] = []
        self._lock = threading.Lock()

    def move(self, path: str, label: str, what: str) -> None:
        """Moves `path` to quarantine/<label>-<time>/ and says so. Harmless if it is gone already."""
        folder = f"{self._layout.quarantine}/{label}-{time.strftime('%Y%m%dT%H%M%S')}"
        os.makedirs(folder, exist_ok=True)
        target = f"{folder}/{os.path.basename(path)}"
        number = 1
        while os.path.lexists(target):
            number += 1
            target = f"{folder}/{os.path.basename(path)}.{number}"
        try:
            os.rename(path, target)
        except FileNotFoundError:
            return
        self.tell(f"{path} {what}; it was moved to {target}")

    def tell(self, sentence: str) -> None:
        """Notes a finding."""
        with self._lock:
            self._findings.append(sentence)

    def take_findings(self) -> Sequence[str]:
        """The findings since last asked."""
        with self._lock:
            found, self._findings = self._findings, []
        return found
