-- The values with most visits of some dimensions over a range, each dimension apart: sorted together they would not fit
-- in memory. Visits without a campaign are no campaign. Products with their names.
SELECT asked.dimension, value, visits, orders, revenue,
       CASE WHEN asked.dimension <> 'product' THEN NULL
            WHEN value ~ '^[0-9a-f-]{36}$' THEN coalesce((SELECT name FROM catalog_product WHERE id = value::uuid), '')
            ELSE '' END AS name
  FROM unnest(%(dimensions)s::text[]) AS asked (dimension)
 CROSS JOIN LATERAL (SELECT value, sum(visits)::int AS visits, sum(orders)::int AS orders, sum(revenue) AS revenue
                       FROM analytics_dailybreakdown AS day
                      WHERE day.dimension = asked.dimension AND date BETWEEN %(first)s AND %(last)s
                        AND NOT (day.dimension = 'campaign' AND value = '(none)')
                      GROUP BY value
                      ORDER BY 2 DESC, 4 DESC, value
                      LIMIT %(limit)s) AS top
 ORDER BY asked.dimension, visits DESC, revenue DESC, value
