-- By how much the visits of a dimension's rows are more than their visitors. {dimension} and {column} are ours.
SELECT '{dimension}' AS dimension, bucket, sum(times - 1) AS too_many
  FROM (SELECT bucket, number, count(*) AS times
          FROM analytics_day_visit_again
          JOIN analytics_day_bucket ON dimension = '{dimension}' AND value = {column}
         GROUP BY bucket, number
        HAVING count(*) > 1) AS often
 GROUP BY bucket
