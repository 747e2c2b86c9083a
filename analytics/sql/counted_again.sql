-- By how much the visits of a dimension's rows are more than their visitors. A visitor of a row is one number: there are
-- fewer rows than 1,024. {dimension} and {column} are ours.
SELECT '{dimension}' AS dimension, bucket, sum(times - 1) AS too_many
  FROM (SELECT (pair %% 1024)::int AS bucket, count(*) AS times
          FROM (SELECT number * 1024::int8 + bucket AS pair
                  FROM analytics_day_visit_again
                  JOIN analytics_day_bucket
                    ON dimension = '{dimension}' AND value = coalesce(nullif({column}, ''), '(none)')) AS visit
         GROUP BY pair
        HAVING count(*) > 1) AS often
 GROUP BY bucket
