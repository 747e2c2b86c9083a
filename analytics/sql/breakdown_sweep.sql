DELETE FROM analytics_dailybreakdown AS kept
 WHERE date = %(day)s
   AND NOT EXISTS (SELECT FROM fresh_breakdown AS fresh
                    WHERE fresh.dimension = kept.dimension AND fresh.value = kept.value)
