-- Orders paid between two instants by the coupon that they were placed with, those with most sales first.
SELECT coupon_code AS code, count(*)::int AS orders, sum(total) AS sales, sum(discount_amount) AS discounts
  FROM orders_order
 WHERE status = 'success' AND paid_at >= %(start)s AND paid_at < %(end)s AND coupon_code <> '' AND {of_order}
 GROUP BY coupon_code
 ORDER BY 3 DESC, 2 DESC, 1
 LIMIT %(limit)s
