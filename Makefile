# Everything a person or a machine does with Footfall. Needs Python 3.11, make and git; no root, no Docker.
PYTHON ?= $(shell command -v python3.13 || command -v python3.12 || command -v python3.11 || command -v python3)
BIN := .venv/bin

.PHONY: run test check bench lock clean up manage

run: ## the whole shop: web, worker, beat, PostgreSQL, Redis, demo data (PORT=8000)
	@$(PYTHON) config/bootstrap.py embedded
	@exec $(BIN)/python -m config.run

test: ## the tests, in parallel and in random order (ARGS="-k name")
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: ## lint, types, layers, dependencies, migrations, deploy check, API schema
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m config.check

bench: ## the speed promises (ONLY=name for one)
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m benchmarks $(ONLY)

manage: ## a management command on the shop that `make run` started (CMD="session_stats")
	@FOOTFALL_ENV=development BILLING_SANDBOX=1 $(BIN)/python manage.py $(CMD)

lock: ## requirements/*.txt from pyproject.toml
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m config.lock

up: ## the same shop on containers
	docker compose up --build

clean: ## removes what was built and kept: .venv and var, with the demo shop's data
	@$(PYTHON) -m config.clean
