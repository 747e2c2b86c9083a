-- What crawlers read, counted by whole days.
SELECT coalesce(sum(page_views), 0)::int AS crawler_page_views
  FROM sessions_app_crawlerday
 WHERE day = %(day)s
