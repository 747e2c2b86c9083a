"""The goal of a month begins on its first day: another one was in no number. The last one that staff made for a month
without a goal becomes its goal, as it was meant to be; others go."""

from django.db import migrations, models


TO_THE_FIRST = """
UPDATE analytics_salesgoal
   SET starts_on = date_trunc('month', starts_on)::date
 WHERE id IN (SELECT max(id)
                FROM analytics_salesgoal
               WHERE period = 'month'
               GROUP BY date_trunc('month', starts_on)
              HAVING min(extract(day FROM starts_on)) > 1)
"""
OTHERS = "DELETE FROM analytics_salesgoal WHERE period = 'month' AND extract(day FROM starts_on) > 1"


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0006_realtime_hours'),
    ]

    operations = [
        migrations.RunSQL(TO_THE_FIRST, migrations.RunSQL.noop),
        migrations.RunSQL(OTHERS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='salesgoal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('period', 'month'), _negated=True), ('starts_on__day', 1), _connector='OR'), name='goal_of_a_month_begins_with_it', violation_error_message='The goal of a month begins on its first day.'),
        ),
        migrations.AlterConstraint(
            model_name='salesgoal',
            name='one_goal_a_period',
            constraint=models.UniqueConstraint(fields=('period', 'starts_on'), name='one_goal_a_period', violation_error_message='There is a goal for this day or month already: change that one.'),
        ),
        migrations.AlterConstraint(
            model_name='salesgoal',
            name='goal_of_something',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0)), name='goal_of_something', violation_error_message='A goal is more than 0. Without one, delete it.'),
        ),
    ]
