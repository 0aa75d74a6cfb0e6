"""The counts of a campaign, as a table of docs/reliability.md."""

import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from organics_neuro import __version__
from tests.fuzz.outcomes import BAD, GOOD

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def table(report):
    """Counts by area, as a Markdown table, under a sentence on the run."""
    columns = (*GOOD, *BAD)
    tried = {area: sum(counts.values()) for area, counts in report.counts.items()}
    lines = [
        f"Version {__version__}, {datetime.now(UTC).date().isoformat()}, Python {platform.python_version()}, seed {report.seed}, "
        f"{report.minutes:g} minutes:",
        "",
        f"| area | inputs tried | {' | '.join(columns)} |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for area, counts in report.counts.items():
        lines.append(f"| {area} | {tried[area]:,} | {' | '.join(f'{counts[name]:,}' for name in columns)} |")
    totals = " | ".join(f"{report.total(name):,}" for name in columns)
    return "\n".join([*lines, f"| all | {sum(tried.values()):,} | {totals} |"])


def write(report):
    """Put the table of a campaign in the place of the last one."""
    between = re.compile(r"(<!-- counts: .* -->\n).*?(<!-- end -->)", re.DOTALL)
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(between.sub(lambda match: f"{match[1]}{table(report)}\n{match[2]}", text), encoding="utf-8")
