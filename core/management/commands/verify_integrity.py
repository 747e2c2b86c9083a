"""`manage.py verify_integrity`: whether all that must agree in the database does."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import integrity
from core.clock import now
from core.integrity import Finding
from core.terminal import Judged, print_json, print_table


class Command(BaseCommand):
    """Verifies it."""

    help = (
        "Checks that stock is its ledger, that totals are those of paid orders, that no order is stuck, and more. "
        "Changes nothing. Exit code 1, with a list, if something does not agree."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Runs it.

        Raises:
            CommandError: something does not agree.
        """
        findings = integrity.verify(now=now())
        broken = [finding for finding in findings if finding.count]
        if options["json"]:
            print_json(self.stdout, body(findings))
        else:
            self._tell(findings, broken)
        if broken:
            count = sum(finding.count for finding in broken)
            raise CommandError(f"{count:,} problems: {', '.join(finding.check.name for finding in broken)}.")

    def _tell(self, findings: Sequence[Finding], broken: Sequence[Finding]) -> None:
        rows = [(finding.check.rule, Judged(finding.count or "yes", well=not finding.count)) for finding in findings]
        print_table(self.stdout, rows, columns=("Rule", "Kept, or by how many broken"), title="Integrity")
        for finding in broken:
            shown = f", the first {len(finding.examples):,}" if finding.count > len(finding.examples) else ""
            title = f"{finding.check.name}: {finding.count:,}{shown}"
            print_table(self.stdout, finding.examples, columns=("Which", "How"), title=title)


def body(findings: Sequence[Finding]) -> dict[str, object]:
    """The findings for machines."""
    checks = [
        {
            "name": finding.check.name,
            "rule": finding.check.rule,
            "problems": finding.count,
            "examples": [{"which": which, "how": how} for which, how in finding.examples],
        }
        for finding in findings
    ]
    return {"clean": not any(finding.count for finding in findings), "checks": checks}
