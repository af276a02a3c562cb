"""What the command line says: lines for people and a bar on a terminal, or one JSON event a line for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


class Events:
    """One command's messages. Results go to standard output, trouble and the bar to standard error."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._bar: Progress | None = None

    def tell(self, event: str, line: str, **values: Any) -> None:
        """Something the user asked for: `line`, or an event of that name with the values."""
        self._write(sys.stdout, event, line, values)

    def fail(self, event: str, line: str, **values: Any) -> None:
        """Something that went wrong; as JSON it stays on standard output, among the other events."""
        self._write(sys.stdout if self.as_json else sys.stderr, event, line, {"error": line, **values})

    def warn(self, event: str, line: str, **values: Any) -> None:
        """Something to know that stops nothing; as JSON it stays on standard output, among the other events."""
        self._write(sys.stdout if self.as_json else sys.stderr, event, line, {"warning": line, **values})

    def step(self, title: str, done: int, total: int) -> None:
        """Moves the bar, which is only there on a terminal and not beside JSON."""
        if self.as_json or not sys.stderr.isatty():
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            # Its own redirection would send piped results to the terminal.
            self._bar = Progress(
                *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
            )
            self._bar.start()
            self._bar.add_task(title, total=total)
        self._bar.update(self._bar.task_ids[0], description=title, completed=done, total=total)

    def close(self) -> None:
        """Takes the bar away; may be called twice."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _write(self, stream: Any, event: str, line: str, values: dict[str, Any]) -> None:
        text = json.dumps({"event": event, **values}) if self.as_json else line
        if self._bar is not None and stream.isatty():  # the terminal of the bar: the line goes above it
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
            return
        stream.write(f"{text}\n")
        stream.flush()
