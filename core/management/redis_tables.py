"""Redis as commands show it: tables for people, a body for machines."""

from dataclasses import asdict

from django.core.management.base import OutputWrapper

from core.redis_stats import Keys, Server
from core.terminal import Judged, print_table


def print_keys(stdout: OutputWrapper, keys: Keys) -> None:
    """Keys and memory by prefix."""
    columns = ("Keys that begin with", "Keys", "Memory")
    rows = [(prefix.name, prefix.keys, _size(prefix.bytes)) for prefix in keys.prefixes]
    print_table(stdout, rows, columns=columns, title=_keys_title(keys))


def print_server(stdout: OutputWrapper, server: Server) -> None:
    """Redis itself."""
    limit = f" of {_size(server.memory_limit_bytes)}" if server.memory_limit_bytes else ""
    kept = "on" if server.append_only else "OFF: what is not stored yet is lost when Redis restarts"
    rows: list[tuple[str, object]] = [
        ("Version", f"{server.name} {server.version}"),
        ("Memory used", _size(server.memory_bytes) + limit),
        ("Append-only file", Judged(kept, well=server.append_only)),
        ("Look-ups that found something", _share(server)),
        ("Keys that had to leave for want of room", Judged(server.evicted, well=not server.evicted)),
    ]
    print_table(stdout, rows, title="Redis")


def keys_body(keys: Keys) -> dict[str, object]:
    """Keys and memory for machines."""
    return {
        "total": keys.total,
        "lookedAt": keys.looked_at,
        "complete": keys.complete,
        "prefixes": [asdict(prefix) for prefix in keys.prefixes],
    }


def server_body(server: Server) -> dict[str, object]:
    """Redis itself for machines."""
    return {
        "name": server.name,
        "version": server.version,
        "memoryBytes": server.memory_bytes,
        "memoryLimitBytes": server.memory_limit_bytes,
        "appendOnly": server.append_only,
        "hits": server.hits,
        "misses": server.misses,
        "evicted": server.evicted,
    }


def _share(server: Server) -> str:
    total = server.hits + server.misses
    return f"{server.hits / total:.1%} of {total:,} since it started" if total else "none yet"


def _keys_title(keys: Keys) -> str:
    if keys.complete:
        return f"All {keys.looked_at:,} keys (memory: estimate)"
    return f"{keys.total:,} keys: estimates from {keys.looked_at:,}"


def _size(number: int) -> str:
    if number < 10 * 1024:
        return f"{number:,} bytes"
    return f"{number / 1024:,.0f} KiB" if number < 10 * 1024**2 else f"{number / 1024**2:,.0f} MiB"
