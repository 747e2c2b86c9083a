"""`make clean`: removes what was built and kept, the demo shop's data too. Standard library only."""

import os
import shutil

from config.embedded import PROJECT, server_home


def main() -> None:
    for home in (PROJECT / "var", *sorted((PROJECT / "var").glob("*/"))):
        os.environ["FOOTFALL_HOME"] = str(home)
        shutil.rmtree(server_home(), ignore_errors=True)
    caches = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache")
    for folder in (".venv", "var", *caches):
        shutil.rmtree(PROJECT / folder, ignore_errors=True)
    print("footfall: .venv and var are gone. `make run` makes them again.")


if __name__ == "__main__":
    main()
