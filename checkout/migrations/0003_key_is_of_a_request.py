"""An idempotency key is of a request, whoever's session that comes by; `scope` was session and path in one."""

from django.db import migrations, models

DIVIDE = """
UPDATE checkout_idempotencykey SET owner = 'session:' || split_part(scope, ':', 1), path = split_part(scope, ':', 2);
-- The same request by two sessions made two orders: the first is the one that is answered from now on.
DELETE FROM checkout_idempotencykey later USING checkout_idempotencykey earlier
WHERE (later.path, later.key, later.fingerprint) = (earlier.path, earlier.key, earlier.fingerprint)
    AND later.id > earlier.id;
"""
UNITE = "UPDATE checkout_idempotencykey SET scope = split_part(owner, ':', 2) || ':' || path"


class Migration(migrations.Migration):
    dependencies = [("checkout", "0002_initial")]

    operations = [
        migrations.AddField("idempotencykey", "owner", models.CharField(max_length=45, default="")),
        migrations.AddField("idempotencykey", "path", models.CharField(max_length=100, default="")),
        migrations.AlterField("idempotencykey", "scope", models.CharField(max_length=80, default="")),
        migrations.RemoveConstraint("idempotencykey", "idempotency_key_once_a_scope"),
        migrations.RunSQL(DIVIDE, UNITE),
        migrations.RemoveField("idempotencykey", "scope"),
        migrations.AlterField(
            "idempotencykey",
            "owner",
            models.CharField(help_text="Whose key it is: two shoppers may choose the same.", max_length=45),
        ),
        migrations.AlterField(
            "idempotencykey", "path", models.CharField(help_text="What was asked for.", max_length=100)
        ),
        migrations.AddConstraint(
            "idempotencykey",
            models.UniqueConstraint(fields=("path", "key", "fingerprint"), name="idempotent_request_once"),
        ),
        migrations.AddConstraint(
            "idempotencykey",
            models.UniqueConstraint(fields=("owner", "path", "key"), name="idempotency_key_once_an_owner"),
        ),
    ]
