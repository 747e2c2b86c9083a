-- The values of one dimension over a range, added up from days.
SELECT value, sum(visits)::int AS visits, sum(orders)::int AS orders, sum(revenue) AS revenue
  FROM analytics_dailybreakdown
 WHERE dimension = %(dimension)s AND date BETWEEN %(first)s AND %(last)s
 GROUP BY value
 ORDER BY (value = '(other)'), 2 DESC, 4 DESC, value
 LIMIT %(limit)s
