-- The hours of the week over a window, of filtered visits: by weekday (1 is Monday) and hour of the shop's clock. All 168
-- are there. `hours`: in how many hours something happened.
SELECT weekday, hour, coalesce(hours, 0) AS hours, coalesce(visits, 0) AS visits, coalesce(orders, 0) AS orders,
       coalesce(sales, 0) AS sales
  FROM generate_series(1, 7) AS weekday
 CROSS JOIN generate_series(0, 23) AS hour
  LEFT JOIN (SELECT extract(isodow FROM at)::int AS weekday, extract(hour FROM at)::int AS hour,
                    count(DISTINCT date_trunc('hour', at))::int AS hours,
                    count(*) FILTER (WHERE sales IS NULL)::int AS visits, count(sales)::int AS orders,
                    sum(sales) AS sales
               FROM (SELECT started_at AT TIME ZONE %(zone)s AS at, NULL::numeric AS sales
                       FROM sessions_app_visitorsession
                      WHERE started_at >= %(start)s AND started_at < %(end)s
                        AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed) AND ({among})
                     UNION ALL
                     SELECT paid_at AT TIME ZONE %(zone)s, total
                       FROM orders_order
                      WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s AND {of_order}) AS found
              GROUP BY 1, 2) AS added USING (weekday, hour)
 ORDER BY weekday, hour
