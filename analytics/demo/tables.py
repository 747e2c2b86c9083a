"""What the demo shop is made of: its products and prices, and how often everything happens. Data only."""

from decimal import Decimal
from typing import NamedTuple

STAFF_EMAIL = "staff@example.com"
STAFF_PASSWORD = "footfall-demo"  # noqa: S105 - printed by `make run`, and refused outside development


class Ware(NamedTuple):
    """A product; `left` is the stock at the end of the history, `weight` how often it is bought."""

    shelf: str
    kind: str
    name: str
    price: str
    left: int
    weight: int
    description: str


WARES = (
    Ware("Kitchen", "mug", "Stoneware mug, ash", "14.00", 84, 10, "Thrown by hand, glazed in ash grey. 300 ml."),
    Ware("Kitchen", "mug", "Stoneware mug, moss", "14.00", 61, 8, "The same mug in a deep green glaze. 300 ml."),
    Ware("Kitchen", "teapot", "Cast iron teapot", "48.00", 22, 4, "Keeps four cups hot. With a steel sieve. 0.9 l."),
    Ware("Kitchen", "teapot", "Glass teapot", "32.50", 37, 5, "See the leaves open. Heat-proof glass. 1.1 l."),
    Ware("Kitchen", "tray", "Oak serving tray", "39.00", 18, 3, "Oiled oak with rounded handles. 42 × 30 cm."),
    Ware("Kitchen", "tray", "Tin tray, blue rim", "19.50", 45, 4, "Light, unbreakable, cheerful. 38 cm."),
    Ware("Light", "lamp", "Paper floor lamp", "89.00", 9, 3, "Warm light through mulberry paper. 120 cm."),
    Ware("Light", "lamp", "Desk lamp, brass", "74.00", 14, 4, "A jointed arm that stays where you put it."),
    Ware("Light", "candle", "Beeswax candle", "12.00", 130, 12, "Burns for 40 hours and smells of honey."),
    Ware("Light", "candle", "Rosemary candle", "16.50", 72, 8, "Rape wax and real rosemary oil, in a jar."),
    Ware("Desk", "notebook", "Notebook, dotted", "11.50", 210, 14, "160 pages that lie flat. Thread-bound. A5."),
    Ware("Desk", "notebook", "Pocket notebook, set of 3", "15.00", 96, 9, "One for every jacket. 64 pages each. A6."),
    Ware("Desk", "clock", "Wall clock, birch", "54.00", 12, 3, "A silent movement behind birch plywood. 30 cm."),
    Ware("Desk", "clock", "Travel alarm clock", "27.00", 3, 4, "Wakes gently, folds flat, runs for two years."),
    Ware("Textiles", "scarf", "Merino scarf, rust", "42.00", 33, 6, "Woven in the Borders. 180 × 30 cm."),
    Ware("Textiles", "scarf", "Merino scarf, navy", "42.00", 40, 5, "Soft enough for a bare neck. 180 × 30 cm."),
    Ware("Textiles", "blanket", "Lambswool blanket", "96.00", 11, 4, "For the sofa, the garden and the train."),
    Ware("Textiles", "blanket", "Cotton throw", "58.00", 0, 5, "A waffle weave that gets better with washing."),
    Ware("Green", "plant-pot", "Terracotta pot, small", "9.50", 140, 9, "With a hole and a saucer. 12 cm."),
    Ware(
        "Green",
        "plant-pot",
        "Terracotta pot, large",
        "22.00",
        52,
        5,
        "For the fig that has outgrown everything. 24 cm.",
    ),
    Ware("Green", "vase", "Bud vase", "18.00", 67, 7, "One stem is enough. Recycled glass. 16 cm."),
    Ware("Green", "vase", "Stoneware vase", "36.00", 4, 4, "A quiet shape for loud flowers. 24 cm."),
    Ware("Storage", "basket", "Willow basket", "34.00", 26, 4, "Woven in Somerset. Holds a week of logs."),
    Ware("Storage", "basket", "Seagrass basket, set of 2", "44.00", 19, 3, "For toys, towels and everything else."),
)

TAX_PERCENT = Decimal(10)
STANDARD = ("Standard", Decimal("10.00"), None, 2, 3)
SLOW = ("Saver, free over 60", Decimal("10.00"), Decimal("60.00"), 5, 8)
"""Name, price, free over, days at least and at most."""

COUPONS = (("WELCOME10", "percent", "10"), ("FIVE", "fixed", "5.00"), ("FREESHIP", "free_shipping", "0"))
COUPON_WEIGHTS = (("", 78), ("WELCOME10", 13), ("FIVE", 5), ("FREESHIP", 4))
GOAL_OF_MONTH = Decimal("9000.00")

# Visits. Weights are relative to the others of their table.
VISITS_A_DAY = 120
WEEKDAYS = (1.08, 1.12, 1.04, 1.0, 0.9, 0.84, 1.02)
HOURS = (3, 2, 1, 1, 1, 2, 4, 8, 13, 16, 18, 18, 20, 18, 16, 16, 17, 19, 22, 27, 30, 26, 17, 8)
GROWTH = (0.78, 1.12)
"""Of the daily visits, at the beginning of the history and at its end."""
RETURNING = 0.34


class Source(NamedTuple):
    """Where visits come from, how many, how willing to buy they are, and where they land."""

    weight: int
    eagerness: float
    referrer: str
    utm: tuple[str, str, str]
    lands_on_product: float


SOURCES = (
    Source(28, 1.1, "", ("", "", ""), 0.15),
    Source(24, 0.9, "https://www.google.com/", ("", "", ""), 0.45),
    Source(4, 0.9, "https://duckduckgo.com/", ("", "", ""), 0.45),
    Source(3, 0.8, "https://www.bing.com/", ("", "", ""), 0.4),
    Source(10, 1.0, "https://www.google.com/", ("google", "cpc", "autumn-sale"), 0.6),
    Source(5, 0.6, "https://www.facebook.com/", ("facebook", "paid_social", "autumn-sale"), 0.5),
    Source(8, 0.5, "https://www.instagram.com/", ("", "", ""), 0.5),
    Source(4, 0.4, "https://www.pinterest.co.uk/", ("", "", ""), 0.8),
    Source(8, 2.2, "", ("newsletter", "email", "weekly-letter"), 0.5),
    Source(3, 2.6, "", ("newsletter", "email", "back-in-stock"), 0.9),
    Source(2, 1.2, "https://blog.slowhome.example/ten-good-mugs", ("", "", ""), 0.9),
    Source(1, 0.7, "https://forum.tea-lovers.example/t/teapots", ("", "", ""), 0.9),
    Source(1, 1.5, "", ("flyer", "print", "market-stall"), 0.1),
)
NEWSLETTER_DAY = 1
"""Tuesday: what comes by the newsletter counts threefold."""

AGENTS = (
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Mobile/15E148 Safari/604.1",
        31,
    ),
    (
        "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/139.0.0.0 Mobile Safari/537.36",
        22,
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 "
        "Safari/537.36",
        21,
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Safari/605.1.15",
        12,
    ),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:141.0) Gecko/20100101 Firefox/141.0", 6),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0", 2),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
        "Mobile/15E148 Safari/604.1",
        6,
    ),
)
PLACES = (
    (("GB", "London", "EC1A 1BB"), 30),
    (("GB", "Manchester", "M1 1AE"), 11),
    (("GB", "Edinburgh", "EH1 1YZ"), 8),
    (("GB", "Bristol", "BS1 4DJ"), 8),
    (("GB", "Leeds", "LS1 4AP"), 6),
    (("IE", "Dublin", "D02 X285"), 7),
    (("FR", "Paris", "75003"), 6),
    (("DE", "Berlin", "10115"), 8),
    (("NL", "Utrecht", "3511 AX"), 4),
    (("US", "Portland", "97205"), 6),
    (("CA", "Toronto", "M5V 2T6"), 3),
    (("VN", "Hà Nội", "100000"), 3),
)
CONSENTS = (("granted", 64), ("denied", 21), ("unknown", 15))
STREETS = ("High Street", "Mill Lane", "Church Road", "Station Road", "Park View", "Victoria Terrace", "Orchard Close")
FIRST_NAMES = (
    "Ada", "Alan", "Amara", "Ben", "Chloe", "Daniel", "Edith", "Farah", "George", "Hannah", "Imran",
    "Jane", "Kofi", "Linh", "Maya", "Noah", "Olive", "Priya", "Quentin", "Rosa", "Sam", "Tara", "Umar",
    "Vera", "Will", "Yara", "Zoe"
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Baker", "Carter", "Dunne", "Evans", "Fletcher", "Grant", "Hughes", "Ivanova", "Jones",
    "Khan", "Lewis", "Murphy", "Nguyen", "Okafor", "Patel", "Quinn", "Reid", "Shaw", "Tran", "Usher",
    "Vaughan", "Walsh", "Young"
)  # fmt: skip
SEARCHES = ("mug", "lamp", "gift", "blanket", "tea", "green", "candle", "clock")

# The chance of each step once the one before is taken, before a source's eagerness.
SECOND_PAGE = 0.66
SEES_PRODUCT = 0.82
ADDS_TO_CART = 0.15
GOES_TO_CHECKOUT = 0.48
ORDERS = 0.58
LOOKS_AT_SHIPPING = 0.6
OUTCOMES = (("paid", 80), ("expired", 9), ("failed", 4), ("cancelled", 7))
DECLINED_FIRST = 0.12
REFUNDED = 0.05
REGISTERS = 0.2
CRAWLER_PAGES = (40, 160)
DECLINES = ("card declined", "insufficient funds", "3-D Secure failed")
REFUND_REASONS = ("arrived broken", "sent back", "wrong colour")
