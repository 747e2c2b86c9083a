"""Settings, all from the environment (`.env.example` lists them). Nothing is guessed.

`FOOTFALL_ENV` is `production` unless it says `development`: a shop that forgot to say is safe, and refuses to start
without its keys. In development an unset DATABASE_URL or REDIS_URL means the embedded servers of `make run`.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.urls import reverse_lazy

from config import embedded

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists():
    environ.Env.read_env(BASE_DIR / ".env")

ENVIRONMENT = env.str("FOOTFALL_ENV", default="production")
if ENVIRONMENT not in ("development", "production"):
    raise ImproperlyConfigured(f"FOOTFALL_ENV is {ENVIRONMENT!r}; it can be development or production.")
DEVELOPMENT = ENVIRONMENT == "development"


def required(name: str, in_development: str) -> str:
    """A key that production must be given; development has a value that everybody knows."""
    value = env.str(name, default=in_development if DEVELOPMENT else "")
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. See .env.example. (For a shop to try: FOOTFALL_ENV=development.)"
        )
    return str(value)


VERSION = "0.1.0"
SECRET_KEY = required("SECRET_KEY", "a-key-for-development-that-everybody-knows-and-nobody-should-trust")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG = env.bool("DEBUG", default=False)
if DEBUG and not DEVELOPMENT:
    raise ImproperlyConfigured("DEBUG shows settings and data to whoever meets an error: unset it in production.")
PORT = (DEVELOPMENT and embedded.noted_port()) or env.int("PORT", default=8000)
PUBLIC_URL = required("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if DEVELOPMENT else [urlsplit(PUBLIC_URL).hostname or ""])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list("STOREFRONT_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [
    "accept",
    "content-type",
    "idempotency-key",
    "x-csrftoken",
    "x-order-token",
    "x-visitor-session",
    "content-encoding",
]
CORS_EXPOSE_HEADERS = [
    "retry-after",
    "x-request-id",
    "idempotent-replayed",
    "ratelimit-policy",
    "ratelimit",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
]
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)

# The demo shop and the sandbox billing service never run beside real money.
BILLING_SANDBOX = env.bool("BILLING_SANDBOX", default=False)
STOREFRONT = env.bool("STOREFRONT", default=DEVELOPMENT)
if (BILLING_SANDBOX or STOREFRONT) and not DEVELOPMENT:
    raise ImproperlyConfigured("BILLING_SANDBOX and STOREFRONT are for development: unset them in production.")

# Apps ---------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.import_export",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_celery_beat",
    "import_export",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "config",
    "core",
    "catalog",
    "customers",
    "sessions_app",
    "orders",
    "checkout",
    "analytics",
    *(["billing_sandbox"] if BILLING_SANDBOX else []),
    *(["storefront"] if STOREFRONT else []),
]
# The busiest requests pass only some of it: config.lanes names them.
MIDDLEWARE = [
    "config.lanes.LanesMiddleware",
    "config.headers.HeadersMiddleware",
    "core.middleware.RequestIdMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "sessions_app.middleware.VisitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "customers.staff_sessions.StaffSessionMiddleware",
    "core.middleware.ShopTimeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Data ---------------------------------------------------------------------------------------------------------------

DATABASE_URL = required("DATABASE_URL", embedded.database_url())
REDIS_URL = required("REDIS_URL", embedded.redis_url())
# Where DATABASE_URL leads to a pooler that lends a session for one transaction, PostgreSQL itself: docs/scaling.md.
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="")
DATABASE_TIMEOUTS = {"lock_timeout": 4000, "statement_timeout": 60000, "idle_in_transaction_session_timeout": 60000}


def database(url: str, *, pooler: bool = False, **sessions: int | str) -> dict[str, Any]:
    """How a PostgreSQL is asked; `sessions` are settings of its sessions. A pooler takes none from who comes: `prepare`
    writes them to the role. Nor does it know whose statement was prepared, or whose cursor is open.
    """
    known: dict[str, Any] = env.db_url_config(url)
    options = " ".join(f"-c {name}={value}" for name, value in (DATABASE_TIMEOUTS | sessions).items())
    return known | {
        "HOST": unquote(known["HOST"]),  # %2Frun%2Fpostgresql is a socket folder
        "ENGINE": "core.postgresql",
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0,
        "DISABLE_SERVER_SIDE_CURSORS": pooler,
        "OPTIONS": {
            **known.get("OPTIONS", {}),
            "connect_timeout": 3,
            "server_side_binding": True,
            "prepare_threshold": 5 if env.bool("DATABASE_PREPARED_STATEMENTS", default=not pooler) else None,
            **({} if pooler else {"options": options}),
            "pool": {
                "min_size": 1,
                "max_size": env.int("DATABASE_POOL_SIZE", default=10),
                "timeout": 4,
                "reconnect_timeout": 1,  # else tries come ever more seldom, a minute after the server is back
            },
        },
    }


DATABASES: dict[str, dict[str, Any]] = {"default": database(DATABASE_URL, pooler=bool(DATABASE_DIRECT_URL))}
if DATABASE_DIRECT_URL:
    DATABASES["direct"] = database(DATABASE_DIRECT_URL)
    DATABASES["direct"]["TEST"] = {"MIRROR": "default"}
    del DATABASES["direct"]["OPTIONS"]["pool"]
# A replica of it for figures, as long as it is no more than so many seconds behind: docs/scaling.md.
DATABASE_REPLICA_URL = env.str("DATABASE_REPLICA_URL", default="")
DATABASE_REPLICA_LAG_SECONDS = env.int("DATABASE_REPLICA_LAG_SECONDS", default=10)
if DATABASE_REPLICA_URL:
    DATABASES["replica"] = database(DATABASE_REPLICA_URL, default_transaction_read_only="on")
    DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
DATABASE_ROUTERS = ["core.postgresql.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# REDIS_URL is a node of a cluster, which then holds live state alone: queues and cached answers are elsewhere.
REDIS_CLUSTER = env.bool("REDIS_CLUSTER", default=False)
CACHE_URL = env.str("CACHE_URL", default=REDIS_URL)
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
if REDIS_CLUSTER and (CACHE_URL == REDIS_URL or not CELERY_BROKER_URL):
    raise ImproperlyConfigured("With REDIS_CLUSTER set CACHE_URL and CELERY_BROKER_URL too: docs/scaling.md.")
REDIS_TIMEOUT_SECONDS = 0.2
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": CACHE_URL,
        "KEY_PREFIX": "cache",
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "SERIALIZER": "core.signed_cache.SignedPickle",
            "SOCKET_CONNECT_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            "SOCKET_TIMEOUT": REDIS_TIMEOUT_SECONDS,
            "IGNORE_EXCEPTIONS": True,
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True


def broker_url(url: str) -> str:
    """Celery's spelling of a Redis address: it has a scheme of its own for unix sockets."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    return f"redis+socket://{parts.path}?virtual_host={parse_qs(parts.query).get('db', ['0'])[0]}"


# People -------------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "customers.User"
AUTHENTICATION_BACKENDS = ["customers.backend.Backend"]
LOGIN_REDIRECT_URL = "admin:index"
# A login of staff ends so long after it began, and after so long without a request. Customers' are not touched.
STAFF_SESSION_HOURS = env.int("STAFF_SESSION_HOURS", default=12)
STAFF_IDLE_MINUTES = env.int("STAFF_IDLE_MINUTES", default=60)
STAFF_SECOND_FACTOR = env.str("STAFF_SECOND_FACTOR", default="optional")
if STAFF_SECOND_FACTOR not in ("optional", "required"):
    raise ImproperlyConfigured(f"STAFF_SECOND_FACTOR is {STAFF_SECOND_FACTOR!r}; it can be optional or required.")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("vi", "Tiếng Việt")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},  # by `collectstatic`, once
}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEVELOPMENT
WHITENOISE_MAX_AGE = 0 if DEVELOPMENT else 3600
EMAIL_CONFIG = env.email_url_config(required("EMAIL_URL", "consolemail://"))
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 10  # seconds for each word of the mail server
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="shop@localhost")

# Browser safety -----------------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEVELOPMENT
# Browsers take such a cookie from this host alone, over HTTPS: a sibling domain cannot plant one.
COOKIE_PREFIX = "" if DEVELOPMENT else "__Host-"
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}footfall_login"
DEVICE_COOKIE_NAME = f"{COOKIE_PREFIX}footfall_device"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
DASHBOARD_COOKIE_NAME = f"{COOKIE_PREFIX}footfall_dashboard"
MESSAGE_STORAGE = "core.messages.MessageStorage"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEVELOPMENT)
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEVELOPMENT else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEVELOPMENT
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

# The shop -----------------------------------------------------------------------------------------------------------

DEMO_NAME = "Footfall demo shop"
SHOP_NAME = env.str("SHOP_NAME", default=DEMO_NAME)
# Who sells, for invoices: lines divided by `\n`, and the number under which the shop pays its taxes.
SHOP_ADDRESS = env.str("SHOP_ADDRESS", multiline=True, default="")
SHOP_TAX_ID = env.str("SHOP_TAX_ID", default="")
SHOP_TIME_ZONE = env.str("SHOP_TIME_ZONE", default="UTC")
SHOP_CURRENCY = env.str("SHOP_CURRENCY", default="GBP")
PRICES_INCLUDE_TAX = env.bool("PRICES_INCLUDE_TAX", default=False)

VISITOR_SESSION_TTL_SECONDS = env.int("VISITOR_SESSION_TTL_SECONDS", default=30 * 60)
VISITOR_SESSION_MAX_SECONDS = 24 * 60 * 60
# Entries. So long a stream means that PostgreSQL has been away for long: tracking then writes to it, or says 503.
EVENT_STREAM_LIMIT = env.int("EVENT_STREAM_LIMIT", default=1_000_000)
CONSENT_MODE = env.str("CONSENT_MODE", default="required")
CONSENT_POLICY_VERSION = env.str("CONSENT_POLICY_VERSION", default="1")
COUNT_UNCONFIRMED_SESSIONS = env.bool("COUNT_UNCONFIRMED_SESSIONS", default=True)
GEOIP_PATH = env.str("GEOIP_PATH", default="")
# Days; 0 is for ever. What is not asked for here stands in config/retention.py.
VISIT_RETENTION_DAYS = env.int("VISIT_RETENTION_DAYS", default=90)
EVENT_RETENTION_DAYS = env.int("EVENT_RETENTION_DAYS", default=90)
CUSTOMER_VISIT_RETENTION_DAYS = env.int("CUSTOMER_VISIT_RETENTION_DAYS", default=760)
CHECKOUT_RETENTION_DAYS = env.int("CHECKOUT_RETENTION_DAYS", default=90)

ORDER_SESSION_DURATION_MINUTES = env.int("ORDER_SESSION_DURATION_MINUTES", default=15)
ORDER_SESSION_MAX_ATTEMPTS = env.int("ORDER_SESSION_MAX_ATTEMPTS", default=3)
# Whoever orders by phone pays by a link that they get by mail.
PHONE_ORDER_DURATION_MINUTES = env.int("PHONE_ORDER_DURATION_MINUTES", default=24 * 60)

# Who takes the money of new orders: docs/providers.md.
PAYMENT_PROVIDER = env.str("PAYMENT_PROVIDER", default="billing")
BILLING_URL = env.str("BILLING_URL", default=PUBLIC_URL if BILLING_SANDBOX else "")
BILLING_API_KEY = env.str("BILLING_API_KEY", default="sandbox-key" if DEVELOPMENT else "")
BILLING_WEBHOOK_SECRETS = env.list(
    "BILLING_WEBHOOK_SECRETS", default=["whsec_c2FuZGJveC1zZWNyZXQtZm9yLXRyeWluZw=="] if DEVELOPMENT else []
)
BILLING_SANDBOX_WEBHOOK_URL = env.str("BILLING_SANDBOX_WEBHOOK_URL", default=f"{PUBLIC_URL}/api/v1/billing/webhook")
BILLING_POLL_SECONDS = env.int("BILLING_POLL_SECONDS", default=5)
BILLING_RETURN_URL = env.str("BILLING_RETURN_URL", default=f"{PUBLIC_URL}/shop/orders/{{order_id}}")
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
# Where shoppers pay: whoever comes from there comes back. Those that we know, and what else the shop's provider uses.
PAYMENT_HOSTS = ["checkout.stripe.com", urlsplit(BILLING_URL).hostname or "", *env.list("PAYMENT_HOSTS", default=[])]
KEYS_OF_PROVIDERS = {
    "billing": ("BILLING_URL", "BILLING_API_KEY", "BILLING_WEBHOOK_SECRETS"),
    "stripe": ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS"),
}
lacking = [name for name in KEYS_OF_PROVIDERS.get(PAYMENT_PROVIDER, ()) if not globals()[name]]
if lacking and not DEVELOPMENT:
    raise ImproperlyConfigured(f"{lacking[0]} is not set. See .env.example.")

# The page of the shop behind the links in mails: .../verify#token, .../reset#token.
ACCOUNT_URL = env.str("ACCOUNT_URL", default=f"{PUBLIC_URL}/shop/account").rstrip("/")
# The page of the shop that restores an abandoned checkout's cart: ...#restore=token.
CART_URL = env.str("CART_URL", default=f"{PUBLIC_URL}/shop/cart")
# How long after a checkout was abandoned its shopper is reminded, if they asked for it.
ABANDONED_REMINDER_AFTER_MINUTES = env.int("ABANDONED_REMINDER_AFTER_MINUTES", default=60)

# Limits -------------------------------------------------------------------------------------------------------------

# What a client's address may ask in which time (login_email: what may be tried on one e-mail address; staff_login and
# staff_code: passwords and codes on an account of staff, from browsers that it never logged in with). Those of the
# second kind are counted by customer when one is logged in, and may then be others.
RATE_LIMITS = {
    name: env.str(f"RATE_LIMIT_{name.upper()}", default=usual)
    for name, usual in {
        "general": "300/minute",
        "track": "600/minute",
        "initiate": "10/5minute",
        "shipping": "20/minute",
        "tax": "20/minute",
        "coupon": "10/minute",
        "confirm": "5/5minute",
        "order_lookup": "120/minute",
        "login": "30/minute",
        "login_email": "5/minute",
        "staff_login": "10/hour",
        "staff_code": "10/hour",
        "register": "10/10minute",
        "password_reset": "10/10minute",
    }.items()
}
RATE_LIMITS_CUSTOMER = {
    name: env.str(f"RATE_LIMIT_{name.upper()}_CUSTOMER", default=RATE_LIMITS[name])
    for name in ("initiate", "shipping", "tax", "coupon", "confirm")
}
LOOPBACK = ["127.0.0.0/8", "::1"]
RATE_LIMIT_ALLOWLIST = env.list("RATE_LIMIT_ALLOWLIST", default=LOOPBACK if DEVELOPMENT else [])
METRICS_ALLOWLIST = env.list("METRICS_ALLOWLIST", default=LOOPBACK if DEVELOPMENT else [])

# Events for other services: docs/events.md.
OUTBOX_STREAM_LIMIT = env.int("OUTBOX_STREAM_LIMIT", default=100_000)
WEBHOOK_ALLOWED_NETWORKS = env.list("WEBHOOK_ALLOWED_NETWORKS", default=LOOPBACK if DEVELOPMENT else [])

# REST ---------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["core.api.LoginAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_THROTTLE_CLASSES": ["core.limits.throttle.LimitThrottle"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.JsonNegotiation",
    "DEFAULT_SCHEMA_CLASS": "core.schema.EnvelopeSchema",
    "EXCEPTION_HANDLER": "core.api.handle_exception",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Footfall",
    "DESCRIPTION": "The storefront API: visits, tracking, checkout, orders and what they brought.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "OrderStatus": "orders.models.Order.Status",
        "FulfillmentStatus": "orders.models.Order.Fulfillment",
        "OrderSessionStatus": "orders.models.OrderSession.Status",
        "AttemptOrCheckoutStatus": "orders.models.PaymentAttempt.Status",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.allow_empty",
        "config.openapi.add_plain_views",
    ],
}

# Jobs ---------------------------------------------------------------------------------------------------------------

QUEUES_URL = CELERY_BROKER_URL or REDIS_URL
CELERY_BROKER_URL = broker_url(QUEUES_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CHANNEL_ERROR_RETRY = True  # a Redis that refuses to write (full disk, full memory) ends no worker
CELERY_WORKER_CONSUMER = "config.worker:SteadyConsumer"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # What a dead worker had taken comes again after 100 seconds, looked for every 10 (unless told, every 100).
    "visibility_timeout": 100,
    "unacked_restore_throttle": 1,
    # A Redis that is gone without having said so is noticed after 7 seconds; unless told, beat never would.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 3,
}
CELERY_BEAT_SCHEDULER = "config.beat:Scheduler"
CELERY_TIMEZONE = SHOP_TIME_ZONE
DJANGO_CELERY_BEAT_TZ_AWARE = True
CELERY_BEAT_SYNC_EVERY = 50  # jobs sent: else it tells only every three minutes when each last ran

# Logs: a JSON object a line, or a line for people (core.logs). What commands print is on standard output for whoever
# called them: manage.py sends its log to the other one.
LOG_FORMAT = env.str("LOG_FORMAT", default="line" if DEVELOPMENT else "json")
if LOG_FORMAT not in ("json", "line"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}; it can be json or line.")
LOG_STREAM = env.str("LOG_STREAM", default="stdout")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"marks": {"()": "core.logs.MarksFilter"}, "tokens": {"()": "core.logs.TokensFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(name)s [%(marks)s] %(message)s"},
        "json": {"()": "core.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": f"ext://sys.{LOG_STREAM}",
            "formatter": LOG_FORMAT,
            "filters": ["marks"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {"httpx2": {"level": "WARNING"}, "django.request": {"filters": ["tokens"]}},
}

# Errors to a Sentry, or to what speaks as one: config.sentry.
SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    LOGGING["handlers"]["sentry"] = {"class": "sentry_sdk.integrations.logging.EventHandler", "level": "ERROR"}
    LOGGING["root"]["handlers"].append("sentry")

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Footfall",
    "SITE_HEADER": "Footfall",
    "SITE_SUBHEADER": SHOP_NAME,
    "SITE_SYMBOL": "footprint",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("admin/footfall.svg")},
    ],
    "SHOW_HISTORY": True,
    "STYLES": [lambda request: static("admin/footfall.css")],
    "SCRIPTS": [lambda request: static("admin/focus.js")],
    "ACCOUNT": {
        "navigation": [
            {"title": "My second factor", "link": reverse_lazy("second_factor")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ],
    },
    "SIDEBAR": {
        "show_search": True,
        "navigation": "config.navigation.navigation",
    },
}
