-- The rows of the day. Visitors are visits less those by which somebody was counted again. (What comes in between two of
-- these statements is counted by the next run; until then no number is less than it can be.)
CREATE TEMPORARY TABLE fresh_breakdown ON COMMIT DROP AS
SELECT dimension,
       CASE WHEN is_rest THEN '(other)' ELSE min(value) END AS value,
       sum(visits)::int AS visits,
       greatest(sum(visits) - coalesce(max(too_many), 0), 0)::int AS visitors,
       sum(orders)::int AS orders,
       sum(revenue) AS revenue
  FROM analytics_day_bucket
  LEFT JOIN analytics_day_too_many USING (dimension, bucket)
 GROUP BY dimension, bucket, is_rest
