"""The commands that give out and erase what is held about somebody."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

from core import personal_data
from core.clock import now
from core.personal_data import Subject
from core.terminal import ask, print_json, print_table


class PersonalCommand(BaseCommand):
    """About somebody, named by one argument."""

    word: str
    """What the argument is called, and how it is asked for again."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument(self.word)

    def subject(self, text: str) -> Subject:
        """Who is meant.

        Raises:
            CommandError: that cannot be said.
        """
        raise NotImplementedError

    def same(self, one: str, other: str) -> bool:
        """Whether both texts mean the same."""
        return one.strip() == other.strip()


class ExportCommand(PersonalCommand):
    """Gives out what the API does."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        super().add_arguments(parser)
        parser.add_argument("--output", type=Path, metavar="FILE", help="write to this file, which only you may read")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Writes it.

        Raises:
            CommandError: nothing is held, or the file cannot be written.
        """
        held = personal_data.export(self.subject(options[self.word]))
        if not any(held.values()):
            raise CommandError(f"Nothing is held about this {self.word}.")
        text = json.dumps({"exportedAt": now(), "held": held}, indent=2, cls=DjangoJSONEncoder, ensure_ascii=False)
        if options["output"] is None:
            self.stdout.write(text)
        else:
            write(options["output"], text)
            self.stderr.write(f"Written to {options['output']}.")


def write(file: Path, text: str) -> None:
    """Writes a file that is not there yet, for nobody else to read.

    Raises:
        CommandError: it is there, or cannot be written.
    """
    try:
        file.touch(mode=0o600, exist_ok=False)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error


class EraseCommand(PersonalCommand):
    """Does what the API does."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        super().add_arguments(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erases, and says how much there was.

        Raises:
            CommandError: they may not be erased, or whoever runs this says no.
        """
        subject = self.subject(options[self.word])
        amounts = personal_data.amounts(subject)
        if not options["yes"]:
            self.ask(options[self.word], amounts)
        personal_data.erase(subject, now=now())
        if options["json"]:
            print_json(self.stdout, {"erased": amounts})
        elif amounts:
            print_table(self.stdout, amounts.items(), columns=("Held", ""))
            self.stdout.write("Erased.")
        else:
            self.stdout.write(f"Nothing was held about this {self.word}.")

    def ask(self, text: str, amounts: dict[str, int]) -> None:
        """Lets people look at what they do.

        Raises:
            CommandError: they would rather not, or nobody is there to ask.
        """
        held = ", ".join(f"{name}: {amount}" for name, amount in amounts.items()) or "nothing"
        try:
            answer = ask(
                f"About {text} is held: {held}.\nErase it for good? Type the {self.word} again: ", stderr=self.stderr
            )
        except EOFError as error:
            raise CommandError("Nothing was erased: there is nobody to ask. --yes does not ask.") from error
        if not self.same(answer, text):
            raise CommandError("Nothing was erased.")
