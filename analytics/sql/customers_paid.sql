-- Orders paid between two instants by whether their customer had paid one before. Those of nobody known are apart (NULL):
-- without a customer, or imported without one, which all have the same.
SELECT CASE WHEN payer IS NOT NULL
            THEN EXISTS (SELECT FROM orders_order AS earlier
                          WHERE earlier.customer_id = payer
                            AND earlier.status = 'success' AND earlier.paid_at < paid.paid_at) END AS came_back,
       count(*)::int AS orders, count(DISTINCT payer)::int AS customers, sum(total) AS sales
  FROM (SELECT paid_at, total,
               nullif(customer_id, (SELECT id FROM customers_customer WHERE lower(email) = %(nobody)s)) AS payer
          FROM orders_order
         WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s AND {of_order}) AS paid
 GROUP BY 1
