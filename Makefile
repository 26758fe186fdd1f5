# Every target makes or refreshes .venv and the system packages itself: quick and offline when nothing is missing.
#   make run [LAN=1]    the whole center        make test    lint, types, import contracts, tests
#   make demo           run + robots            make chaos   kill the engine at 20 moments, and all others once
#   make fuzz-api [N=100]   schemathesis against the REST API, longer than in make test
#   make walk-flows [FLOW=name]  every flow by phone, as its tests say
#   PYTHON=...   3.11 or 3.12; default: the first that works
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
export PYTHON
# Tests and the center start many processes: none of them should compile our modules again.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
BENCHES := bench-calls bench-console bench-customers bench-dtmf bench-edge bench-engine bench-gateway bench-ivr bench-offers bench-queueing bench-reload bench-simulation bench-routing bench-speech

.PHONY: run demo test chaos fuzz-api lint style types tests $(BENCHES) verify-routing walk-flows screenshots packages-run packages-test

run: packages-run .venv/ready-run
	@exec .venv/bin/cti-engine run $(if $(LAN),--lan)

demo: packages-run .venv/ready-run
	@exec .venv/bin/cti-engine run --demo $(if $(LAN),--lan)

# mypy works beside the first tests, most of which wait.
test: style
	@exec $(MAKE) -j2 types tests

# Three processes share the tests (tests/conftest.py); ARGS="-n 0" runs them in one.
tests: packages-test .venv/ready-test
	@exec $(PY) -m pytest -n 3 $(ARGS)

chaos: packages-test .venv/ready-test
	@CTI_CHAOS=1 exec $(PY) -m pytest tests/e2e/test_kills.py $(ARGS)

# As an agent and as the administrator, N examples an operation and phase, by chance.
fuzz-api: packages-test .venv/ready-test
	@CTI_FUZZ=$(or $(N),100) exec $(PY) -m pytest tests/e2e/test_api.py -k schemathesis $(ARGS)

lint: style types

style: packages-test .venv/ready-test
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports

types: packages-test .venv/ready-test
	@exec nice -n 19 $(PY) -m mypy

$(BENCHES): packages-test .venv/ready-test
	@exec $(PY) -m benchmarks.$(subst -,_,$@) $(ARGS)

walk-flows: packages-test .venv/ready-test
	@CTI_WALK=$(or $(FLOW),all) exec $(PY) -m pytest -s tests/e2e/test_flow_walks.py $(ARGS)

verify-routing: packages-test .venv/ready-test
	@exec $(PY) -m tests.routing.verify $(ARGS)

screenshots: packages-test .venv/ready-test
	@exec $(PY) -m tests.browser.screenshots $(ARGS)

packages-run packages-test: packages-%:
	@packaging/system-packages.sh $*

# After the system packages, because Debian's Python cannot make a .venv without python3-venv.
.venv/ready-run .venv/ready-test: .venv/ready-%: pyproject.toml packaging/make-venv.sh | packages-%
	@packaging/make-venv.sh $*
