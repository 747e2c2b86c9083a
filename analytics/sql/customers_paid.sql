-- Orders paid between two instants by whether their customer had paid one before. One of nobody's is apart (NULL).
SELECT CASE WHEN customer_id IS NOT NULL
            THEN EXISTS (SELECT FROM orders_order AS earlier
                          WHERE earlier.customer_id = orders_order.customer_id
                            AND earlier.status = 'success' AND earlier.paid_at < orders_order.paid_at) END AS came_back,
       count(*)::int AS orders, count(DISTINCT customer_id)::int AS customers, sum(total) AS sales
  FROM orders_order
 WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s AND {of_order}
 GROUP BY 1
