"""Alerts: when traffic, conversion, orders or payments leave what is usual. `rules` and `usual` are numbers alone,
`reading` reads what they are asked about, `watching` keeps what they say, `muting` is what staff decide.
"""
