"""What the simulated population is made of, and how often everything happens. Data only.

Weights are relative to the others of their table; chances are of the step before.
"""

from typing import NamedTuple


class Agent(NamedTuple):
    """A browser as it names itself."""

    weight: int
    device: str
    name: str


AGENTS = (
    Agent(
        25,
        "mobile",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Mobile/15E148 Safari/604.1",
    ),
    Agent(
        18,
        "mobile",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile "
        "Safari/537.36",
    ),
    Agent(
        6,
        "mobile",
        "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 "
        "Chrome/130.0.0.0 Mobile Safari/537.36",
    ),
    Agent(
        4,
        "mobile",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Mobile/15E148 Instagram 389.0.0.34.88 (iPhone15,2; iOS 17_6; en_GB; en; scale=3.00; 1179x2556; 500000000)",
    ),
    Agent(2, "mobile", "Mozilla/5.0 (Android 15; Mobile; rv:141.0) Gecko/141.0 Firefox/141.0"),
    Agent(
        5,
        "tablet",
        "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Mobile/15E148 Safari/604.1",
    ),
    Agent(
        18,
        "desktop",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 "
        "Safari/537.36",
    ),
    Agent(
        5,
        "desktop",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 "
        "Safari/537.36 Edg/138.0.0.0",
    ),
    Agent(
        9,
        "desktop",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Safari/605.1.15",
    ),
    Agent(5, "desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0"),
    Agent(3, "desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0"),
)


class Country(NamedTuple):
    """Where people live: blocks of its large access providers, the languages of their browsers, a door to ship to."""

    weight: int
    code: str
    blocks: tuple[str, ...]
    languages: tuple[str, ...]
    city: str
    postal_code: str


COUNTRIES = (
    Country(34, "GB", ("90.192.0.0/11", "2.24.0.0/13", "2a02:c7c::/32"), ("en-GB,en;q=0.9",), "Bristol", "BS1 4DJ"),
    Country(7, "IE", ("86.40.0.0/13",), ("en-IE,en;q=0.9",), "Dublin", "D02 X285"),
    Country(
        14, "DE", ("84.128.0.0/10", "2003:c0::/26"), ("de-DE,de;q=0.9,en;q=0.5", "de,en-US;q=0.7"), "Berlin", "10115"
    ),
    Country(10, "FR", ("90.0.0.0/11", "2a01:cb00::/32"), ("fr-FR,fr;q=0.9,en;q=0.6",), "Lyon", "69002"),
    Country(6, "NL", ("84.24.0.0/13",), ("nl-NL,nl;q=0.9,en;q=0.8",), "Utrecht", "3511 AX"),
    Country(4, "ES", ("80.24.0.0/13",), ("es-ES,es;q=0.9",), "Valencia", "46002"),
    Country(
        11, "US", ("73.0.0.0/9", "2601:40::/28"), ("en-US,en;q=0.9", "es-US,es;q=0.9,en;q=0.8"), "Portland", "97205"
    ),
    Country(4, "CA", ("99.224.0.0/11",), ("en-CA,en;q=0.9", "fr-CA,fr;q=0.9,en;q=0.7"), "Toronto", "M5V 2T6"),
    Country(
        8,
        "VN",
        ("113.160.0.0/11", "2402:800:6000::/40"),
        ("vi-VN,vi;q=0.9,en;q=0.6", "vi,en;q=0.5"),
        "Hà Nội",
        "100000",
    ),
    Country(2, "AU", ("1.120.0.0/13",), ("en-AU,en;q=0.9",), "Melbourne", "3000"),
)


class Channel(NamedTuple):
    """A way to the shop. `query` is what its links carry; `lands_on_product` and `eagerness` (of every step towards an
    order) are what its people are like.
    """

    weight: int
    name: str
    referrers: tuple[str, ...]
    queries: tuple[str, ...]
    lands_on_product: float
    eagerness: float


CHANNELS = (
    Channel(27, "direct", ("",), ("",), 0.1, 1.1),
    Channel(
        30,
        "organic search",
        ("https://www.google.com/", "https://www.google.de/", "https://duckduckgo.com/", "https://www.bing.com/"),
        ("",),
        0.5,
        0.9,
    ),
    Channel(
        15,
        "social",
        ("https://l.instagram.com/", "https://www.facebook.com/", "https://t.co/", "https://www.pinterest.com/"),
        ("",),
        0.6,
        0.5,
    ),
    Channel(
        12,
        "e-mail",
        ("",),
        (
            "utm_source=newsletter&utm_medium=email&utm_campaign=weekly-letter",
            "utm_source=newsletter&utm_medium=email&utm_campaign=back-in-stock",
        ),
        0.5,
        1.7,
    ),
    Channel(
        12,
        "paid",
        ("https://www.google.com/",),
        ("gclid={click}", "gclid={click}&gad_source=1"),
        0.7,
        1.0,
    ),
    Channel(4, "referral", ("https://blog.slowhome.example/ten-good-mugs",), ("",), 0.9, 1.1),
)

CONSENTS = (("granted", 48), ("denied", 20), ("ignored", 24), ("gpc", 8))
"""What becomes of the question: a click on yes or no, none at all, or a browser that says no to everybody."""

BOTS = 0.08
"""Of all visitors."""
CRAWLERS = (
    (30, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    (18, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    (12, "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)"),
    (
        10,
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    ),
    (8, "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"),
    (8, "curl/8.5.0"),
    (14, ""),
)
"""Programs that read pages and run no script. The last is a tool that gives no name."""
CRAWLER_PAGES = (2, 12)

# A person's visit, step by step.
BOUNCES = 0.34
SEARCHES_FOR = ("mug", "lamp", "gift", "blanket", "tea", "candle", "clock")
SEARCHES = 0.18
PRODUCTS_SEEN = ((1, 45), (2, 28), (3, 16), (5, 8), (8, 3))
ADDS_TO_CART = 0.17
ADDS_ANOTHER = 0.3
REMOVES = 0.06
QUANTITIES = ((1, 82), (2, 14), (3, 4))
GOES_TO_CHECKOUT = 0.55
LEAVES_AT_ADDRESS = 0.14
OTHER_METHOD = 0.3
TRIES_COUPON = 0.28
COUPONS = (("WELCOME10", 60), ("FREESHIP", 15), ("FIVE", 15), ("SUMMER99", 10))
"""The demo shop's, and one that no shop has."""
ORDERS = 0.75
PAYMENTS = (
    (("pay",), 76),
    (("decline", "pay"), 9),
    (("decline", "decline", "pay"), 2),
    (("decline",), 3),
    (("decline", "decline", "decline"), 1),
    (("leave", "pay"), 4),
    (("leave",), 4),
    (("cancel",), 1),
)
"""What people do at the pay page, one after the other; `cancel` is the button on the order's page."""

READS_SECONDS = 14.0
"""How long a page is looked at, half of the time; rarely more than ten times that."""
TYPES_SECONDS = 25.0
"""An address form."""

FIRST_NAMES = (
    "Ada", "Amara", "Ben", "Chloe", "Daniel", "Elif", "Farah", "George", "Hannah", "Imran", "Jane", "Kofi", "Linh",
    "Maya", "Noah", "Olive", "Priya", "Rosa", "Sam", "Tuấn", "Umar", "Vera", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Baker", "Carter", "Dunne", "Evans", "Fischer", "García", "Hughes", "Jones", "Khan", "Lewis", "Murphy",
    "Nguyễn", "Okafor", "Patel", "Reid", "Schmidt", "Trần", "Vaughan", "Walsh", "Young", "de Vries",
)  # fmt: skip
STREETS = ("High Street", "Mill Lane", "Station Road", "Park View", "Orchard Close", "Gartenstraße", "Rue du Lac")
