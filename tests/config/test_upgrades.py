"""No migration stands in the way of the release before it."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Q

from config.upgrades import refused
from core.filling import FillInBatches

KIND = models.Index(fields=["kind"], name="mail_of_kind")
NAMED = models.CheckConstraint(condition=~Q(kind=""), name="mail_has_a_kind")
ONCE = models.UniqueConstraint(fields=["kind", "recipient"], name="mail_once")
OF = models.ForeignKey("core.MailText", models.CASCADE, null=True, db_index=False, db_constraint=False)
Operations = list[Operation]

BAD: dict[str, Operations] = {
    "adding-required-field": [migrations.RunSQL("ALTER TABLE core_mail ADD seen boolean NOT NULL")],
    "ban-drop-default": [migrations.AddField("mail", "seen", models.BooleanField(default=False))],
    "adding-not-nullable-field": [migrations.AlterField("mail", "sent_at", models.DateTimeField())],
    "changing-column-type": [migrations.AlterField("mail", "attempts", models.BigIntegerField(default=0))],
    "adding-field-with-default": [
        migrations.AddField("mail", "again", models.UUIDField(db_default=models.Func(function="gen_random_uuid")))
    ],
    "require-concurrent-index-creation": [migrations.AddIndex("mail", KIND)],
    "constraint-missing-not-valid": [migrations.AddConstraint("mail", NAMED)],
    "disallowed-unique-constraint": [migrations.AddConstraint("mail", ONCE)],
    "adding-foreign-key-constraint": [
        migrations.AddField("mail", "text", models.ForeignKey("core.MailText", models.CASCADE, null=True))
    ],
    "ban-drop-column": [migrations.RemoveField("mail", "language")],
    "renaming-column": [migrations.RenameField("mail", "language", "tongue")],
    "ban-drop-table": [migrations.DeleteModel("MailText")],
    "renaming-table": [migrations.RenameModel("MailText", "Text")],
    "rows": [migrations.RunSQL("UPDATE core_mail SET language = 'vi'")],
    "rows: in Python": [migrations.RunPython(migrations.RunPython.noop)],
    "rows: aside": [migrations.SeparateDatabaseAndState([migrations.RunSQL("DELETE FROM core_mail")])],
    "rows: in a block": [migrations.RunSQL("DO $$ BEGIN DELETE FROM core_mail; END $$")],
    "atomic": [AddIndexConcurrently("mail", KIND)],
    "atomic: filling": [FillInBatches("core.Mail", "language = 'vi'")],
}
GOOD: dict[str, Operations] = {
    "a column that may be empty": [migrations.AddField("mail", "seen", models.BooleanField(null=True))],
    "a column that PostgreSQL fills": [
        migrations.AddField("mail", "seen", models.BooleanField(default=False, db_default=False))
    ],
    "a constraint for new rows": [AddConstraintNotValid("mail", NAMED)],
    "a look at the old ones": [ValidateConstraint("mail", "mail_sent_has_its_time")],
    "a foreign key for new rows": [
        migrations.AddField(
            "mail",
            "of",
            models.ForeignKey("core.MailText", models.CASCADE, null=True, db_index=False, db_constraint=False),
        ),
        migrations.RunSQL(
            "ALTER TABLE core_mail ADD CONSTRAINT mail_of FOREIGN KEY (of_id) REFERENCES core_mailtext (id) NOT VALID"
        ),
    ],
    "a look at the old ones by hand": [migrations.RunSQL("ALTER TABLE core_mail VALIDATE CONSTRAINT mail_of")],
    "a rule of an index that is there": [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL("ALTER TABLE core_mail ADD CONSTRAINT mail_once UNIQUE USING INDEX mail_once")],
            [migrations.AddConstraint("mail", ONCE)],
        )
    ],
    "whatever is done to a table that is new": [
        migrations.CreateModel("Note", [("id", models.BigAutoField(primary_key=True)), ("text", models.TextField())]),
        migrations.AddIndex("note", models.Index(fields=["text"], name="note_of_text")),
        migrations.RunSQL("INSERT INTO core_note (text) VALUES ('a')"),
    ],
    "and to one that stays small": [
        migrations.AddIndex("mailtext", models.Index(fields=["kind"], name="text_of_kind")),
        migrations.RunSQL("UPDATE core_mailtext SET language = 'vi'"),
    ],
    "a trigger": [
        migrations.RunSQL("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\nDELETE FROM a;\nEND $$")
    ],
}


@cache
def models_of_core() -> ProjectState:
    graph = MigrationLoader(None).graph
    state: ProjectState = graph.make_state(nodes=graph.leaf_nodes("core"))
    return state


def rules(operations: Operations, **options: Any) -> list[str]:
    """By which a migration of these operations is refused."""
    migration = type("Migration", (migrations.Migration,), {"operations": operations, **options})("next", "core")
    return [refusal.rule for refusal in refused(migration, models_of_core())]


@pytest.mark.parametrize("rule", BAD)
def test_a_migration_that_stands_in_the_way_is_refused(rule: str) -> None:
    assert rule.partition(":")[0] in rules(BAD[rule])


@pytest.mark.parametrize("kind", GOOD)
def test_one_that_does_not_passes(kind: str) -> None:
    assert rules(GOOD[kind]) == []


@pytest.mark.parametrize(
    "operation",
    [
        AddIndexConcurrently("mail", KIND),
        FillInBatches("core.Mail", "attempts = 0"),
        migrations.RunSQL("CREATE UNIQUE INDEX CONCURRENTLY mail_once ON core_mail (kind, recipient)"),
    ],
)
def test_what_takes_long_is_not_in_a_transaction_and_alone(operation: Operation) -> None:
    assert rules([operation], atomic=False) == []
    assert rules([operation, migrations.AddIndex("mailtext", KIND)], atomic=False) == ["not-atomic"]


def test_one_that_somebody_looked_at_passes() -> None:
    assert rules(BAD["ban-drop-column"], looked_at={"ban-drop-column": "No release reads it."}) == []


def test_a_look_at_what_is_not_there_is_refused() -> None:
    assert rules([], looked_at={"rows": "A few."}) == ["rows"]
