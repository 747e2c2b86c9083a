"""`make lock`: requirements/*.txt from pyproject.toml, with hashes for every platform and no address of any index."""

import subprocess
import sys

from config.embedded import PROJECT

COMPILE = ["-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
SILENT = ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
BOTH = ["--constraint", "requirements/runtime.txt", "--constraint", "requirements/embedded.txt"]
GROUPS: list[tuple[str, list[str]]] = [
    ("runtime", ["pyproject.toml"]),
    ("embedded", ["--group", "embedded", "--constraint", "requirements/runtime.txt"]),
    ("test", ["--group", "test", *BOTH]),
]


def main() -> None:
    for name, sources in GROUPS:
        command = [sys.executable, *COMPILE, *SILENT, *sources, "--output-file", f"requirements/{name}.txt"]
        subprocess.run([*command, *sys.argv[1:]], cwd=PROJECT, check=True)


if __name__ == "__main__":
    main()
