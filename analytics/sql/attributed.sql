-- Orders paid between two instants by what a touch that is frozen on them says. Orders of no visit are a line of their
-- own, so that the lines add up to the shop's sales, to the cent.
SELECT CASE WHEN {touch} = '{{}}' AND visitor_session_id IS NULL THEN '(no session)' ELSE coalesce(nullif({touch} ->> %(field)s, ''), '(none)') END
           AS value,
       count(*)::int AS orders, sum(total) AS revenue
  FROM orders_order
 WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s
 GROUP BY 1
 ORDER BY 3 DESC, 2 DESC, 1
