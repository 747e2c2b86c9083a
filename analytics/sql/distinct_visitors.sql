-- Distinct visitors by bucket, and of them all (bucket is NULL). Never the sum of buckets.
SELECT bucket, count(DISTINCT visitor_id)::int AS visitors
  FROM sessions_app_visitorsession
 CROSS JOIN LATERAL unnest(ARRAY[width_bucket(started_at, %(hours)s::timestamptz[])]) AS of_visit (bucket)
 WHERE started_at >= %(start)s AND started_at < %(end)s
   AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed) AND ({among})
 GROUP BY GROUPING SETS ((bucket), ())
