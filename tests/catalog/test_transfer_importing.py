"""What an import makes of the products."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Category, Product, StockMovement
from catalog.services import OutOfStockError, reserve_stock
from catalog.transfer import importing, storing
from catalog.transfer.rows import Row
from tests.catalog.files import Done, csv_of, imported
from tests.factories import CategoryFactory, ProductFactory, UserFactory
from tests.world import check_books, together

pytestmark = pytest.mark.django_db


def movements() -> list[tuple[int, str]]:
    return list(StockMovement.objects.order_by("id").values_list("delta", "reason"))


def test_new_products_are_added_with_their_first_movement() -> None:
    staff = UserFactory()
    done = imported(
        {"sku": "CUP-1", "name": "Blue cup", "price": "4.50", "description": "Blue.\nVery.", "category": "Cups",
         "thumbnail": "/cup.svg", "is_active": "no", "track_stock": "yes", "stock": "7"},
        actor=staff,
    )  # fmt: skip
    product = Product.objects.select_related("category").get()
    assert (product.sku, product.name, product.slug, product.price) == ("CUP-1", "Blue cup", "blue-cup", Decimal("4.5"))
    assert (product.description, product.thumbnail, product.is_active) == ("Blue.\nVery.", "/cup.svg", False)
    assert product.category is not None
    assert (product.category.name, product.category.slug) == ("Cups", "cups")
    movement = StockMovement.objects.get()
    assert (movement.delta, movement.reason, movement.actor) == (7, "initial", staff)
    assert (done.tally.added, done.tally.moved, done.tally.categories) == (1, 1, {"cups"})
    check_books()


def test_new_products_are_for_sale_and_without_stock_unless_the_file_says_else() -> None:
    imported({})
    product = Product.objects.get()
    assert (product.is_active, product.track_stock, product.stock_quantity, product.description) == (True, True, 0, "")
    assert movements() == []


def test_twice_adds_and_changes_nothing() -> None:
    rows = [{"sku": f"S-{n}", "name": "Mug", "category": f"C {n % 2}", "stock": n} for n in range(5)]
    imported(*rows)
    before = state()
    done = imported(*rows)
    assert (done.tally.unchanged, done.tally.added, done.tally.changed, done.tally.moved) == (5, 0, 0, 0)
    assert state() == before


def state() -> tuple[list[Any], list[Any], list[Any]]:
    """All rows, with the transaction that wrote each product."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin, p.* FROM catalog_product p ORDER BY id")
        products = cursor.fetchall()
    return products, list(Category.objects.order_by("id").values()), list(StockMovement.objects.order_by("id").values())


def test_what_differs_is_changed_and_nothing_else() -> None:
    product = ProductFactory(sku="A", name="Mug", slug="mug", description="Old", price=Decimal(20), total_sold=3)
    done = imported({"sku": "A", "name": "Big mug", "price": "21.00"})
    changed = Product.objects.get()
    assert (changed.pk, changed.name, changed.price) == (product.pk, "Big mug", Decimal(21))
    assert (changed.slug, changed.description, changed.total_sold, changed.stock_quantity) == ("mug", "Old", 3, 100)
    assert done.kinds == ["changed"]
    check_movements_add_up()


def check_movements_add_up() -> None:
    for product in Product.objects.all():
        assert product.stock_quantity == sum(product.movements.values_list("delta", flat=True))


def test_empty_cells_empty_texts_and_leave_the_rest() -> None:
    ProductFactory(
        sku="A", slug="mug", description="Old", thumbnail="/x", category=CategoryFactory(), is_active=False,
        track_stock=False, stock_quantity=4,
    )  # fmt: skip
    imported(
        {"sku": "A", "slug": "", "description": "", "thumbnail": "", "category": "", "is_active": "", "track_stock": "",
         "stock": ""}
    )  # fmt: skip
    product = Product.objects.get()
    assert (product.description, product.thumbnail, product.category) == ("", "", None)
    assert (product.slug, product.is_active, product.track_stock, product.stock_quantity) == ("mug", False, False, 4)


@pytest.mark.parametrize(
    ("stock", "movement"), [(12, (2, "restock")), (3, (-7, "correction")), (0, (-10, "correction")), (10, None)]
)
def test_stock_is_set_by_a_movement(stock: int, movement: tuple[int, str] | None) -> None:
    ProductFactory(sku="A", stock_quantity=10)
    staff = UserFactory()
    imported({"sku": "A", "stock": stock}, actor=staff)
    assert Product.objects.get().stock_quantity == stock
    assert movements()[1:] == ([movement] if movement else [])
    assert set(StockMovement.objects.values_list("actor", flat=True)[: len(movements()) - 1]) <= {staff.pk}
    check_books()


def test_stock_of_what_is_not_tracked_is_kept_in_the_ledger_too() -> None:
    imported({"sku": "A", "track_stock": "no", "stock": "5"})
    imported({"sku": "A", "track_stock": "yes", "stock": "6"})
    assert movements() == [(5, "initial"), (1, "restock")]


@pytest.mark.parametrize(
    ("name", "sku", "slug"),
    [
        ("Cà phê sữa đá!", "C-1", "ca-phe-sua-da"),
        ("Große Straße", "G-1", "grosse-strasse"),
        ("日本茶", "TEA-1", "tea-1"),
        ("日本茶", "茶", "product"),
        ("x" * 200, "X", "x" * 80),
        ("a" * 79 + " bc", "X", "a" * 79),
    ],
)
def test_a_slug_is_made_from_the_name(name: str, sku: str, slug: str) -> None:
    imported({"sku": sku, "name": name})
    assert Product.objects.get().slug == slug


def test_slugs_of_products_with_one_name_differ() -> None:
    ProductFactory(slug="tea")
    imported(
        {"sku": "M-1", "name": "Mug", "slug": ""},
        {"sku": "M-2", "name": "Mug", "slug": ""},
        {"sku": "M.2", "name": "Mug", "slug": ""},
        {"sku": "T-1", "name": "Tea", "slug": ""},
        {"sku": "X", "name": "Other", "slug": "mug"},
    )
    slugs = dict(Product.objects.values_list("sku", "slug"))
    assert (slugs["M-1"], slugs["X"], slugs["T-1"]) == ("mug-m-1", "mug", "tea-t-1")
    assert slugs["M-2"] == "mug-m-2"
    assert slugs["M.2"].startswith("mug-")
    assert len(set(slugs.values())) == 6


def test_a_slug_is_changed_when_the_file_gives_another() -> None:
    ProductFactory(sku="A", slug="old", name="Mug")
    done = imported({"sku": "A", "slug": "new"})
    assert Product.objects.get().slug == "new"
    assert done.kinds == ["changed"]


def test_a_category_is_known_by_slug_by_name_and_by_the_slug_of_its_name() -> None:
    lamps = CategoryFactory(slug="lights", name="Đèn")
    for number, said in enumerate(["lights", "Đèn"]):
        imported({"sku": f"A-{number}", "category": said})
    imported({"sku": "B-0", "category": "Cups & mugs"}, {"sku": "B-1", "category": "cups-mugs"})
    imported({"sku": "B-2", "category": "CUPS / MUGS"})
    assert {p.category for p in Product.objects.filter(sku__startswith="A")} == {lamps}
    assert {p.category.name for p in Product.objects.filter(sku__startswith="B") if p.category} == {"Cups & mugs"}
    assert Category.objects.count() == 2


def test_categories_in_scripts_without_ascii_get_slugs_too() -> None:
    done = imported({"sku": "A", "category": "茶"}, {"sku": "B", "category": "杯"})
    assert Category.objects.count() == 2
    assert all(slug.startswith("category-") for slug in done.tally.categories)


def test_lines_that_cannot_be_taken_are_refused_and_the_others_are_stored() -> None:
    ProductFactory(slug="taken", sku="T")
    content = csv_of(
        {"sku": "A", "slug": "a"},
        {"sku": "B", "slug": "", "name": "", "price": "free"},
        {"sku": "A", "slug": ""},
        {"sku": "C", "slug": "taken"},
        {"sku": "D", "slug": "a"},
        {"sku": "E", "slug": "e"},
    )
    done = Done(content + b"broken\n")
    assert sorted(done.reasons) == [
        (3, "name", "is needed"),
        (3, "price", "must be an amount such as 48.90"),
        (4, "sku", "is that of line 2 already"),
        (5, "slug", "is that of another product"),
        (6, "slug", "is that of another product"),
        (8, "", "has 1 cells, the header has 4"),
    ]
    assert set(Product.objects.values_list("sku", flat=True)) == {"T", "A", "E"}
    assert (done.tally.products, done.tally.added, done.tally.refused) == (7, 2, 5)


@pytest.mark.parametrize("dry_run", [False, True])
def test_lines_of_other_batches_count_as_well(monkeypatch: pytest.MonkeyPatch, dry_run: bool) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    places = [("A", "a"), ("B", "b"), ("C", "a"), ("D", ""), ("A", ""), ("E", "")]
    done = imported(*({"sku": sku, "slug": slug} for sku, slug in places), dry_run=dry_run)
    assert done.reasons == [(4, "slug", "is that of another product"), (6, "sku", "is that of line 2 already")]
    assert done.tally.added == 4
    assert Product.objects.count() == (0 if dry_run else 4)


def test_a_dry_run_says_the_same_and_keeps_nothing() -> None:
    ProductFactory(sku="A", slug="a", stock_quantity=3)
    rows = [
        {"sku": "A", "slug": "b", "category": "New", "stock": "5"},
        {"sku": "B", "slug": "", "category": "New", "stock": "1"},
        {"sku": "C", "slug": "", "category": "", "stock": "x"},
    ]
    before = state()
    tried = imported(*rows, dry_run=True)
    assert state() == before
    done = imported(*rows)
    assert tried.tally == done.tally
    assert (tried.kinds, tried.reasons) == (done.kinds, done.reasons)


def test_a_batch_takes_as_many_statements_for_200_products_as_for_2() -> None:
    def statements(number: int) -> int:
        rows = [{"sku": f"{number}-{n}", "category": f"C {n}", "stock": "1"} for n in range(number)]
        with CaptureQueriesContext(connection) as queries:
            imported(*rows)
        return len(queries)

    assert statements(2) == statements(200)


def test_an_import_that_was_stopped_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    rows = [{"sku": f"S-{n}", "stock": "3"} for n in range(5)]
    real = storing.store
    calls = 0

    def stopped(batch: list[Row], **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(batch, **options)

    with monkeypatch.context() as patch:
        patch.setattr(importing, "store", stopped)
        with pytest.raises(KeyboardInterrupt):
            imported(*rows)
    assert Product.objects.count() == 2
    done = imported(*rows)
    assert (done.tally.added, done.tally.unchanged) == (3, 2)
    check_books()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
def test_two_imports_at_once_add_each_product_once() -> None:
    rows = [{"sku": f"S-{n}", "name": "Mug", "category": f"C {n % 3}", "stock": "3"} for n in range(300)]
    results = together(4, lambda _number: imported(*rows).tally)
    assert sum(tally.added for tally in results) == 300
    assert Product.objects.count() == 300
    check_movements_add_up()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("protected", [True, False])
def test_what_is_sold_during_an_import_stays_in_the_ledger(monkeypatch: pytest.MonkeyPatch, protected: bool) -> None:
    """The control: without the lock the movement is reckoned from a stock that is not there any more."""
    products = [ProductFactory(sku=f"S-{n}", stock_quantity=1_000) for n in range(20)]
    if not protected:
        monkeypatch.setattr(storing, "change", changed_without_lock)

    def work(number: int) -> None:
        for round_ in range(15):
            if number < 2:
                imported(*({"sku": p.sku, "stock": str(500 + round_ * 10 + number)} for p in products))
            else:
                sell(products)

    assert not [result for result in together(6, work) if isinstance(result, Exception)]
    wrong = [p for p in Product.objects.all() if p.stock_quantity != ledger_of(p)]
    assert bool(wrong) is not protected


def sell(products: list[Product]) -> None:
    try:
        reserve_stock(quantities={product.pk: 1 for product in products}, order_id=uuid.uuid4())
    except OutOfStockError:
        pytest.fail("there is enough")


def ledger_of(product: Product) -> int:
    return sum(product.movements.values_list("delta", flat=True))


def changed_without_lock(cursor: Any, actor_id: int | None) -> list[tuple[int, uuid.UUID, int]]:
    """`change`, with what it read before it waited."""
    cursor.execute(
        "SELECT asked.line, p.id, asked.stock, p.stock_quantity "
        "FROM catalog_product p JOIN import_asked asked USING (sku) ORDER BY p.id"
    )
    read = cursor.fetchall()
    for _line, product_id, stock, _before in read:
        cursor.execute("UPDATE catalog_product SET stock_quantity = %s WHERE id = %s", [stock, product_id])
    for _line, product_id, stock, before in read:
        if stock != before:
            cursor.execute(
                "INSERT INTO catalog_stockmovement (product_id, delta, reason) VALUES (%s, %s, 'correction')",
                [product_id, stock - before],
            )
    return [(line, product_id, stock - before) for line, product_id, stock, before in read]


@pytest.mark.django_db(transaction=True)
def test_a_product_that_somebody_adds_at_the_same_moment_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = storing.add
    raced: list[Any] = []

    def add(cursor: Any, actor_id: int | None) -> Any:
        if not raced:
            raced.append(together(1, lambda _number: ProductFactory(sku="A", name="Theirs", slug="mug")))
        return real(cursor, actor_id)

    monkeypatch.setattr(storing, "add", add)
    done = imported({"sku": "A", "name": "Mug", "stock": "5"})
    product = Product.objects.get()
    assert (product.name, product.stock_quantity, done.kinds) == ("Mug", 5, ["changed"])
    check_movements_add_up()
