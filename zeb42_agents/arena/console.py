"""Reports of a rated pool on the console."""

from __future__ import annotations

from textwrap import wrap

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from zeb42_agents.arena.report import matrix_rows, pair_rows
from zeb42_agents.arena.summary import Summary, rating_rows, title
from zeb42_agents.arena.text import plain

WORD_OF_HEAD = 8  # letters: longer words in the head of a column of numbers are broken rather than widen it


def console_report(summary: Summary) -> RenderableType:
    """The tables for the console."""
    parts: list[RenderableType] = [live_table(summary)]
    if len(summary.pairs) > 1:
        parts.append(_table(*matrix_rows(summary, surprise=False), "Won by the row against the column"))
        parts.append(_table(*matrix_rows(summary, surprise=True), "Observed less expected"))
    parts.append(_table(*pair_rows(summary), "Pairs, the first one's view"))
    told, not_told = summary.apart()
    for words, found in (("Told apart at 95%", told), ("Not told apart", not_told)):
        parts.append(Text(plain(f"{words}: {'; '.join(found) or 'none'}.")))
    parts += [Text(plain(f"Note: {note}")) for note in summary.notes]
    return Group(*parts)


def live_table(summary: Summary) -> Table:
    """The rating table alone, for a run that goes on."""
    return _table(*rating_rows(summary), title(summary))


def _table(head: list[str], rows: list[list[str]], caption: str) -> Table:
    """A table that hides nothing in a narrow terminal: heads are no wider than their numbers, names are folded."""
    table = Table(title=caption, title_justify="left")
    for place, name in enumerate(map(plain, head)):
        is_text = name in ("agent", "pair") or (place == 0 and name != "")
        if not is_text:
            words = [len(word) for word in name.split() if len(word) <= WORD_OF_HEAD]
            name = "\n".join(wrap(name, max([1, *words, *(len(row[place]) for row in rows)])))
        table.add_column(Text(name), justify="left" if is_text else "right", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))  # not markup, which a name may look like
    return table
