-- The visits of those who came more than once that day.
CREATE UNLOGGED TABLE analytics_day_visit_again AS
SELECT number, channel, utm_source, utm_medium, utm_campaign, referrer_host, landing_page, country, city, device,
       browser, os
  FROM sessions_app_visitorsession
  JOIN analytics_day_again USING (visitor_id)
 WHERE started_at >= %(start)s AND started_at < %(end)s AND NOT is_bot AND (%(count_unconfirmed)s OR NOT unconfirmed)
