#!/usr/bin/env python
"""Footfall's command line."""

import os
import sys

from core.management import endings

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["LOG_STREAM"] = "stderr"  # standard output is for what the command prints
    endings.run(sys.argv)
