SELECT dimension, value, visits, orders, revenue
  FROM (SELECT dimension, value,
               sum(visits)::int AS visits, sum(orders)::int AS orders, sum(revenue) AS revenue,
               row_number() OVER (PARTITION BY dimension
                                  ORDER BY sum(visits) DESC, sum(revenue) DESC, value) AS place
          FROM analytics_dailybreakdown
         WHERE dimension = ANY(%(dimensions)s) AND date BETWEEN %(first)s AND %(last)s
           AND NOT (dimension = 'campaign' AND value = '(none)')
         GROUP BY dimension, value) AS ranked
 WHERE place <= %(limit)s
 ORDER BY dimension, place
