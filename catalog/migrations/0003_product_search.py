"""Search: words without case and accents, the same on every PostgreSQL.

PostgreSQL's own tools for this (unaccent, lower() beyond ASCII, the text search parser) are extensions or depend on
the database's locale. These functions depend on nothing, so they may make a generated column, which holds whoever
writes the row. Their bodies are bound when they are made: a restored dump finds them on any search path.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models


def span(first: str, last: str, skip: str = "") -> str:
    return "".join(chr(code) for code in range(ord(first), ord(last) + 1) if chr(code) not in skip)


# What NFKD leaves: letters with a stroke or without a dot, pairs, and the capitals that lower() knows in some locales.
STROKES = {"đðħłøŧıŋς": "ddhlotinσ"}
CAPITALS_WITH_STROKES = {"ĐÐĦŁØŦŊÆŒÞẞ": "ddhlotnæœþß"}
CAPITALS = {
    span("Α", "Ω", skip="\u03a2"): span("α", "ω", skip="ς"),
    span("А", "Я"): span("а", "я"),
    span("Ѐ", "Џ"): span("ѐ", "џ"),
    span("Ա", "Ֆ"): span("ա", "ֆ"),
}
PAIRS = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
MARKS = r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
# Every sign that is no letter and no digit, by what Unicode keeps where. Other scripts are letters.
BETWEEN = (
    r"[\u0001-\u002f\u003a-\u0060\u007b-\u00bf\u00d7\u00f7\u1680\u180e\u2000-\u2bff\u2e00-\u2e7f\u3000-\u3020"
    r"\ufe00-\ufe1f\ufe30-\ufe6f\ufff0-\uffff\U0001f000-\U0001faff\U000e0000-\U000e01ef]+"
)


def replaced(text: str, letters: dict[str, str]) -> str:
    return f"translate({text}, '{''.join(letters)}', '{''.join(letters.values())}')"


def paired(text: str) -> str:
    for letter, pair in PAIRS.items():
        text = f"replace({text}, '{letter}', '{pair}')"
    return text


def replaced_if_any(text: str, letters: dict[str, str]) -> str:
    return f"CASE WHEN {text} ~ '[{''.join(letters)}]' THEN {replaced(text, letters)} ELSE {text} END"


# translate() looks at each of its letters for each of the text's, so texts without them are spared it. OFFSET 0 keeps
# the steps apart: each is made once.
FOLDED = f"""
CASE WHEN octet_length(said) = char_length(said) THEN lower(said COLLATE "C") ELSE (
    SELECT {paired(f'lower({replaced("small", STROKES)} COLLATE "C")')}
    FROM (
        SELECT {replaced_if_any("half", CAPITALS)} AS small
        FROM (
            SELECT {replaced_if_any("plain", CAPITALS_WITH_STROKES)} AS half
            FROM (SELECT regexp_replace(normalize(said, NFKD), '{MARKS}', '', 'g') AS plain OFFSET 0) AS a OFFSET 0
        ) AS b OFFSET 0
    ) AS c
) END
"""

FUNCTIONS = {
    "catalog_folded(said text) RETURNS text": f"RETURN {FOLDED}",
    "catalog_words(said text) RETURNS text[]":
        f"RETURN array_remove(regexp_split_to_array(catalog_folded(said), '{BETWEEN}'), '')",
    # Part of an address: ASCII only, empty when nothing of the text is.
    "catalog_slug(said text, longest integer) RETURNS text":
        "RETURN trim(BOTH '-' FROM left(trim(BOTH '-' FROM regexp_replace(catalog_folded(said), '[^0-9a-z]+', '-', 'g')),"
        " longest))",
    # s: the whole SKU. n: words of SKU and name. d: words of the description, of which 20,000 characters count.
    # Letters before the words rather than weights: by these the index alone knows what is found where.
    "catalog_search(sku text, name text, description text) RETURNS tsvector": """RETURN (
        WITH texts AS MATERIALIZED (SELECT catalog_words(sku) AS of_sku, catalog_words(name) AS of_name)
        SELECT coalesce(array_to_tsvector(array_agg(place || left(word, 100))), '')
        FROM (
            SELECT unnest(ARRAY['s', 'n']) AS place, array_to_string(of_sku, '') AS word FROM texts
            UNION ALL SELECT 'n', unnest(of_sku || of_name) FROM texts
            UNION ALL SELECT 'd', unnest(catalog_words(left(description, 20000)))
        ) AS entries WHERE word <> '')""",
    # The products of one part of a search, or of all three. Of what is typed the first 32 words count, each of which
    # begins a word of the product. NULL, which finds nothing, when there is none.
    "catalog_query(said text, part text) RETURNS tsquery": """RETURN (
        SELECT CASE part
            WHEN 'sku' THEN sku
            WHEN 'named' THEN named && !! sku
            WHEN 'described' THEN anywhere && !! named && !! sku
            WHEN 'anywhere' THEN anywhere || sku
        END
        FROM (
            SELECT ('''s' || left(string_agg(word, ''), 100) || '''')::tsquery AS sku,
                string_agg('''n' || word || ''':*', ' & ')::tsquery AS named,
                string_agg('(''n' || word || ''':* | ''d' || word || ''':*)', ' & ')::tsquery AS anywhere
            FROM (SELECT left(unnest(catalog_words(left(said, 1000))), 100) AS word LIMIT 32) AS words
        ) AS queries)""",
}


def create(signature: str, body: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE FUNCTION {signature} LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE {body}",
        f"DROP FUNCTION {signature.split(' RETURNS ')[0]}",
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_initial")]

    operations = [
        *(create(signature, body) for signature, body in FUNCTIONS.items()),
        migrations.AddField(
            model_name="product",
            name="search",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func("sku", "name", "description", function="catalog_search"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="product",
            index=django.contrib.postgres.indexes.GinIndex(fields=["search"], name="product_search"),
        ),
        migrations.AddIndex(
            model_name="product",
            index=models.Index(
                models.F("category"), models.F("name"), models.F("id"),
                condition=models.Q(("is_active", True)), name="product_active_on_shelf",
            ),
        ),
    ]
