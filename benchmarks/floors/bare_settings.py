"""The settings of the barest view, with what the log of requests asks for."""

ALLOWED_HOSTS = ["*"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.floors.bare"
SECRET_KEY = "of nothing"
LOG_FORMAT = "line"
