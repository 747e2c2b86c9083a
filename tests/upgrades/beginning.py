"""`python -m tests.upgrades.beginning NAME`: migrates the database that `DATABASE_URL` names. On the way it leaves a
copy of it, of this name, as it is before there are rows that could be lost.
"""

import os
import sys

import django
import psycopg
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.upgrades.plan import split


def main(copy: str) -> None:
    early, _later = split()
    MigrationExecutor(connection).migrate(early)
    original = str(connection.settings_dict["NAME"])
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined] # PostgreSQL's wrapper has it
    server = os.environ["DATABASE_URL"].rsplit("/", 1)[0]
    with psycopg.connect(f"{server}/postgres", autocommit=True) as server_connection:
        server_connection.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{original}"')
    call_command("migrate", verbosity=0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main(sys.argv[1])
