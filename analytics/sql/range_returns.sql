-- Distinct visitors of each of some values over a range of days: those of each day, less those of them who had come so
-- on another day of the range.
SELECT value, greatest(sum(visitors) - coalesce(max(too_many), 0), 0)::int AS visitors
  FROM analytics_dailybreakdown
  LEFT JOIN (SELECT value, sum(visitors) AS too_many
               FROM analytics_dailyreturn
              WHERE dimension = %(dimension)s AND date BETWEEN %(first)s AND %(last)s AND previous >= %(first)s
              GROUP BY value) AS again USING (value)
 WHERE dimension = %(dimension)s AND date BETWEEN %(first)s AND %(last)s
   AND value = ANY(%(values)s)
 GROUP BY value
