-- Hours between two instants by weekday (1 is Monday) and hour of the shop's clock, added up. All 168 are there.
SELECT weekday, hour, coalesce(hours, 0) AS hours, coalesce(visits, 0) AS visits, coalesce(orders, 0) AS orders,
       coalesce(sales, 0) AS sales
  FROM generate_series(1, 7) AS weekday
 CROSS JOIN generate_series(0, 23) AS hour
  LEFT JOIN (SELECT extract(isodow FROM begins)::int AS weekday, extract(hour FROM begins)::int AS hour,
                    count(*)::int AS hours, sum(total_visits)::int AS visits, sum(total_orders)::int AS orders,
                    sum(total_sales) AS sales
               FROM (SELECT hour AT TIME ZONE %(zone)s AS begins, total_visits, total_orders, total_sales
                       FROM analytics_hourlymetrics
                      WHERE hour >= %(start)s AND hour < %(end)s) AS stored
              GROUP BY 1, 2) AS added USING (weekday, hour)
 ORDER BY weekday, hour
