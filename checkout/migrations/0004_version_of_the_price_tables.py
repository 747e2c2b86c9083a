"""The tables that price a checkout have a version, which whoever keeps them in memory can compare."""

from django.db import migrations, models

TABLES = ("checkout_shippingzone", "checkout_shippingmethod", "checkout_taxrate")
WATCH = """
CREATE FUNCTION checkout_note_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO checkout_pricetablesversion (id, version) VALUES (1, gen_random_uuid())
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$;
INSERT INTO checkout_pricetablesversion (id, version) VALUES (1, gen_random_uuid());
""" + "".join(
    f"CREATE TRIGGER note_price_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION checkout_note_price_change();\n"
    for table in TABLES
)
FORGET = "".join(f"DROP TRIGGER note_price_change ON {table};\n" for table in TABLES) + (
    "DROP FUNCTION checkout_note_price_change();"
)


class Migration(migrations.Migration):
    dependencies = [("checkout", "0003_key_is_of_a_request")]

    operations = [
        migrations.CreateModel(
            "PriceTablesVersion",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.UUIDField()),
            ],
        ),
        migrations.RunSQL(WATCH, FORGET),
    ]
