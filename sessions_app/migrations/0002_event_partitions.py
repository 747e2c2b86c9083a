"""Events by month; visits whose every sight costs no index; the time that pages were really looked at."""

import django.db.models.deletion
from django.db import migrations, models

COLUMNS = 'event_id, session_id, visitor_id, event_type, source, page, product_id, metadata, "timestamp", received_at'

# Partitions are made for the months of the rows that are there; the flush makes the others when their first event comes.
PARTITION = f"""
ALTER TABLE sessions_app_sessionevent RENAME TO event_plain;
ALTER INDEX event_of_session RENAME TO event_of_session_plain;
ALTER INDEX event_by_time RENAME TO event_by_time_plain;
ALTER TABLE event_plain RENAME CONSTRAINT sessions_app_sessionevent_pkey TO event_plain_pkey;
CREATE TABLE sessions_app_sessionevent (LIKE event_plain INCLUDING DEFAULTS INCLUDING STORAGE,
    PRIMARY KEY (event_id, "timestamp")) PARTITION BY RANGE ("timestamp");
CREATE INDEX event_of_session ON sessions_app_sessionevent (session_id, "timestamp");
CREATE INDEX event_by_time ON sessions_app_sessionevent ("timestamp", event_type);
DO $$
DECLARE month timestamp;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', "timestamp" AT TIME ZONE 'UTC') FROM event_plain LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF sessions_app_sessionevent FOR VALUES FROM (%L) TO (%L)',
            'sessions_app_sessionevent_' || to_char(month, 'YYYY_MM'), month AT TIME ZONE 'UTC',
            (month + interval '1 month') AT TIME ZONE 'UTC');
    END LOOP;
END $$;
INSERT INTO sessions_app_sessionevent ({COLUMNS}) SELECT {COLUMNS} FROM event_plain;
DROP TABLE event_plain;
"""
UNITE = f"""
ALTER TABLE sessions_app_sessionevent RENAME TO event_by_month;
ALTER INDEX event_of_session RENAME TO event_of_session_by_month;
ALTER INDEX event_by_time RENAME TO event_by_time_by_month;
ALTER TABLE event_by_month RENAME CONSTRAINT sessions_app_sessionevent_pkey TO event_by_month_pkey;
CREATE TABLE sessions_app_sessionevent (LIKE event_by_month INCLUDING DEFAULTS INCLUDING STORAGE,
    CONSTRAINT sessions_app_sessionevent_pkey PRIMARY KEY (event_id));
INSERT INTO sessions_app_sessionevent ({COLUMNS})
    SELECT DISTINCT ON (event_id) {COLUMNS} FROM event_by_month ORDER BY event_id, "timestamp";
CREATE INDEX event_of_session ON sessions_app_sessionevent (session_id, "timestamp");
CREATE INDEX event_by_time ON sessions_app_sessionevent ("timestamp", event_type);
DROP TABLE event_by_month;
"""


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0001_initial")]

    operations = [
        migrations.AlterField(
            "sessionevent",
            "session",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="events",
                to="sessions_app.visitorsession",
            ),
        ),
        migrations.RunSQL(PARTITION, UNITE),
        # last_seen_at changes with every flush: while no index holds it, PostgreSQL rewrites the row in its own page.
        migrations.RemoveIndex("visitorsession", "session_open_by_last_seen"),
        migrations.AddIndex(
            "visitorsession",
            models.Index(condition=models.Q(("ended_at", None)), fields=["started_at"], name="session_open"),
        ),
        migrations.RunSQL(
            "ALTER TABLE sessions_app_visitorsession SET (fillfactor = 80)",
            "ALTER TABLE sessions_app_visitorsession RESET (fillfactor)",
        ),
        # The index of visitor_id and started_at serves it.
        migrations.AlterField("visitorsession", "visitor_id", models.UUIDField()),
        migrations.AddField(
            "visitorsession",
            "engagement_seconds",
            models.PositiveIntegerField(
                db_default=0,
                default=0,
                help_text="Seconds for which pages were really visible, as the script reports them.",
            ),
        ),
        migrations.AlterField(
            "visitorsession",
            "other_events",
            models.PositiveIntegerField(
                default=0,
                help_text="Events that are no view of a page or product, nor the script's report of time spent.",
            ),
        ),
    ]
