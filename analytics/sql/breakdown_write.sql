-- Rows that did not change are not written again: today's are computed every 5 minutes.
INSERT INTO analytics_dailybreakdown AS kept (date, dimension, value, visits, visitors, orders, revenue)
SELECT %(day)s, dimension, value, visits, visitors, orders, revenue
  FROM fresh_breakdown
    ON CONFLICT (date, dimension, value) DO UPDATE
   SET visits = excluded.visits, visitors = excluded.visitors, orders = excluded.orders, revenue = excluded.revenue
 WHERE (kept.visits, kept.visitors, kept.orders, kept.revenue)
       IS DISTINCT FROM (excluded.visits, excluded.visitors, excluded.orders, excluded.revenue)
