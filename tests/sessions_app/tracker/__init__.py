"""tracker.js: the script of shops, in a real browser."""
