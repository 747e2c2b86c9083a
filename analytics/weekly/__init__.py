"""The weekly report: the dashboard's numbers of a week that is over, as a mail to staff who want it."""
