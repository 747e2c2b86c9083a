import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0008_returns'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('traffic_low', 'Few visits'), ('traffic_high', 'Many visits'), ('conversion_low', 'Low conversion'), ('no_orders', 'No orders'), ('payments_failing', 'Payments fail')], max_length=16)),
                ('sentence', models.CharField(max_length=300)),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('told_at', models.DateTimeField(blank=True, help_text='Muted, it is told once the mute is over.', null=True)),
            ],
            options={
                'ordering': ['-began_at', '-id'],
                'indexes': [models.Index(fields=['-began_at'], name='alert_by_age')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('kind',), name='one_open_alert_a_kind'), models.CheckConstraint(condition=models.Q(('kind__in', ['traffic_low', 'traffic_high', 'conversion_low', 'no_orders', 'payments_failing'])), name='alert_kind_is_known'), models.CheckConstraint(condition=models.Q(('ended_at', None), ('ended_at__gte', models.F('began_at')), _connector='OR'), name='alert_ends_after_its_beginning')],
            },
        ),
        migrations.CreateModel(
            name='AlertMute',
            fields=[
                ('kind', models.CharField(choices=[('traffic_low', 'Few visits'), ('traffic_high', 'Many visits'), ('conversion_low', 'Low conversion'), ('no_orders', 'No orders'), ('payments_failing', 'Payments fail')], max_length=16, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
                ('muted_at', models.DateTimeField()),
                ('muted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['traffic_low', 'traffic_high', 'conversion_low', 'no_orders', 'payments_failing'])), name='alert_mute_kind_is_known'), models.CheckConstraint(condition=models.Q(('until__gt', models.F('muted_at'))), name='alert_mute_ends_after_its_beginning')],
            },
        ),
        migrations.CreateModel(
            name='StaffSubscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('alerts', 'Alerts'), ('weekly_report', 'Weekly report')], max_length=13)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='staff_subscriptions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'mail to staff',
                'verbose_name_plural': 'mails to staff',
                'ordering': ['user', 'kind'],
                'constraints': [models.UniqueConstraint(fields=('user', 'kind'), name='one_staff_subscription_a_kind'), models.CheckConstraint(condition=models.Q(('kind__in', ['alerts', 'weekly_report'])), name='staff_subscription_kind_is_known')],
            },
        ),
    ]
