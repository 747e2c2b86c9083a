-- By how much the views of pages or products are more than their visitors. A visitor of a row is one number, the visitor's
-- hash that begins with the row's: so one key is sorted. {dimension}, {event} and {column} are ours.
SELECT '{dimension}' AS dimension, bucket, sum(times - 1) AS too_many
  FROM (SELECT min(bucket) AS bucket, count(*) AS times
          FROM sessions_app_sessionevent
          JOIN (SELECT seen.value, bucket
                  FROM analytics_day_value AS seen
                  JOIN analytics_day_bucket AS bucket
                    ON bucket.dimension = '{dimension}'
                   AND bucket.value = coalesce(nullif(left(seen.value, 512), ''), '(none)')
                 WHERE seen.dimension = '{dimension}') AS row ON row.value = {column}
         WHERE timestamp >= %(start)s AND timestamp < %(end)s AND event_type = '{event}'
           AND (%(all_counted)s OR session_id NOT IN (SELECT session_id FROM analytics_day_odd WHERE is_uncounted))
           AND (source = 'script'
                OR session_id IN (SELECT session_id FROM analytics_day_odd WHERE NOT is_uncounted))
         GROUP BY uuid_hash_extended(visitor_id, bucket)
        HAVING count(*) > 1) AS often
 GROUP BY bucket
