# Everything a person or a machine does with Footfall. Needs Python 3.11, make and git; no root, no Docker.
# The first Python that really runs: version managers leave shims of versions that are not there.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do $$p -c "" 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin


help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: help python run test promises pictures check bench lock clean up manage

python:
	@test -n "$(PYTHON)" || { echo "footfall: Python 3.11 or newer is needed. Install it, or name it: make run PYTHON=/path/to/python3.11"; exit 1; }

run: | python ## the whole shop: web, worker, beat, PostgreSQL, Redis, demo data (PORT=8000)
	@$(PYTHON) config/bootstrap.py embedded
	@exec $(BIN)/python -m config.run

test: | python ## the tests, in parallel and in random order (ARGS="-k name")
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

promises: | python ## what docs/promises.md promises, at full length (STEPS=10000 SECONDS=300 CASES=20 SEED=1 CARTS=5000)
	@$(PYTHON) config/bootstrap.py embedded test
	@MACHINE_STEPS=$(or $(STEPS),10000) PROMISE_SECONDS=$(or $(SECONDS),300) SCHEMA_CASES=$(or $(CASES),20) SCHEMA_SEED=$(or $(SEED),$(shell date +%s)) PRICE_CARTS=$(or $(CARTS),5000) $(BIN)/python -m pytest -n 0 tests/orders/test_machine.py tests/orders/test_machine_finds.py tests/checkout/test_races.py tests/promises tests/faults tests/security $(ARGS)

pictures: | python ## the pictures of docs/staff.md anew, as the shop looks today
	@$(PYTHON) config/bootstrap.py embedded test
	@PICTURES=write $(BIN)/python -m pytest -n 0 -p no:randomly tests/docs/test_staff_guide.py $(ARGS)

check: | python ## lint, types, layers, dependencies, containers, migrations, deploy check, API schema
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m config.check

bench: | python ## the speed promises (ONLY=name for one)
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m benchmarks $(ONLY)

manage: ## a management command on the shop that `make run` started (CMD="session_stats")
	@FOOTFALL_ENV=development BILLING_SANDBOX=1 $(BIN)/python manage.py $(CMD)

lock: | python ## requirements/*.txt from pyproject.toml
	@$(PYTHON) config/bootstrap.py embedded test
	@$(BIN)/python -m config.lock

up: ## the same shop on containers
	docker compose up --build

clean: | python ## removes what was built and kept: .venv and var, with the demo shop's data
	@$(PYTHON) -m config.clean
