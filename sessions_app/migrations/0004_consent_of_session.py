from django.db import migrations, models


class Migration(migrations.Migration):
    """The consents of a visit are found among millions: the page of each order asks for them."""

    dependencies = [("sessions_app", "0003_channel_rules")]

    operations = [
        migrations.AddIndex("consentrecord", models.Index(fields=["session_id"], name="consent_of_session")),
    ]
